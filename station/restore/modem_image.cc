#include "station/restore/modem_image.h"

#include <algorithm>
#include <array>

#include "station/base/log.h"
#include "station/restore/little_endian.h"

namespace station::restore {
namespace {

using Span = std::span<const std::uint8_t>;

std::unexpected<Error> Bad(std::string what) {
  return Fail(ErrorCode::kFirmwareMalformed, "baseband image: " + std::move(what));
}

// --- ELF, as far as its program headers ---

struct Segment {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Where the words of interest lie in the file header and in a program header.
struct ElfLayout {
  std::size_t file_header, table_offset_at, count_at, entry_size, offset_at, size_at;
  bool wide;
};
constexpr ElfLayout kElf32{52, 28, 44, 32, 4, 16, false};
constexpr ElfLayout kElf64{64, 32, 56, 56, 8, 32, true};

bool IsElf(Span bytes) {
  return bytes.size() >= 16 && bytes[0] == 0x7F && bytes[1] == 'E' && bytes[2] == 'L' &&
         bytes[3] == 'F';
}

std::uint64_t Word(Span bytes, std::size_t at, bool wide) {
  return wide ? ReadLittle<std::uint64_t>(bytes, at) : ReadLittle<std::uint32_t>(bytes, at);
}

// The last program header's segment, which must lie inside the file.
Result<Segment> LastSegment(Span elf) {
  if (!IsElf(elf)) return Bad("not an ELF");
  const ElfLayout& layout = elf[4] == 2 ? kElf64 : kElf32;
  if (elf.size() < layout.file_header) return Bad("an ELF without its header");
  const std::uint64_t table = Word(elf, layout.table_offset_at, layout.wide);
  const std::size_t count = ReadLittle<std::uint16_t>(elf, layout.count_at);
  if (count == 0) return Bad("an ELF without segments");
  if (table > elf.size() || count * layout.entry_size > elf.size() - table)
    return Bad("program headers beyond the end");
  const std::size_t at = static_cast<std::size_t>(table) + (count - 1) * layout.entry_size;
  const Segment last{Word(elf, at + layout.offset_at, layout.wide),
                     Word(elf, at + layout.size_at, layout.wide)};
  if (last.offset == 0 || last.size == 0 || last.offset > elf.size() ||
      last.size > elf.size() - last.offset)
    return Bad("a hash table segment beyond the end");
  return last;
}

// --- the head of an MBN version 7 hash table segment: ten words ---

struct HashTableHead {
  static constexpr std::size_t kSize = 40;
  std::uint64_t metadata = 0;  // common, vendor's and owner's, with this head
  std::uint64_t hashes = 0;
  std::uint64_t vendor = 0;  // signature and certificates
  std::uint64_t owner = 0;   // signature and certificates
};

std::optional<HashTableHead> ReadHead(Span bytes) {
  if (bytes.size() < HashTableHead::kSize) return std::nullopt;
  std::array<std::uint64_t, 10> words{};
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = ReadLittle<std::uint32_t>(bytes, 4 * i);
  if (words[1] != 7) return std::nullopt;
  return HashTableHead{HashTableHead::kSize + words[2] + words[3] + words[4], words[5],
                       words[6] + words[7], words[8] + words[9]};
}

// --- kinds of image whose signature is their tail ---

bool StartsWith(Span bytes, std::size_t at, std::initializer_list<std::uint8_t> magic) {
  return bytes.size() >= at + magic.size() &&
         std::ranges::equal(bytes.subspan(at, magic.size()), magic);
}

bool IsKnownTailSigned(Span image) {
  return StartsWith(image, 0, {0x0A, 0, 0, 0}) ||  // MBN
         StartsWith(image, 0,
                    {0xD1, 0xDC, 0x4B, 0x84, 0x34, 0x10, 0xD7, 0x73}) ||      // MBN, second form
         StartsWith(image, 1, {0x04, 0x00, 0xEA, 0x6C, 0x69, 0x48, 0x55}) ||  // .bin
         IsElf(image);
}

void Overwrite(ImageBytes& image, std::uint64_t at, Span bytes) {
  std::ranges::copy(bytes, image.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

Result<ImageBytes> SignImageTail(Span image, Span blob) {
  if (blob.empty() || blob.size() > image.size())
    return Bad("a signature of " + std::to_string(blob.size()) + " bytes for " +
               std::to_string(image.size()));
  if (!IsKnownTailSigned(image))
    Log(LogLevel::kWarning, "baseband image of an unknown kind, signed at its end");
  ImageBytes signed_image(image.begin(), image.end());
  Overwrite(signed_image, image.size() - blob.size(), blob);
  return signed_image;
}

Result<ImageBytes> SignHashTableSegment(Span elf, Span blob) {
  STATION_TRY(segment, LastSegment(elf));
  const auto old_head = ReadHead(elf.subspan(segment.offset, segment.size));
  if (!old_head ||
      old_head->metadata + old_head->hashes + old_head->vendor + old_head->owner > segment.size)
    return Bad("no hash table segment of version 7");
  const auto head = ReadHead(blob);
  if (!head) return Fail(ErrorCode::kSigningBadAnswer, "a baseband blob without a version 7 head");
  const std::uint64_t front = head->metadata + head->hashes;
  const std::uint64_t owner_at = front + old_head->vendor;
  if (front > blob.size() || head->owner > blob.size() - front || front > segment.size ||
      owner_at > segment.size || head->owner > segment.size - owner_at)
    return Fail(ErrorCode::kSigningBadAnswer, "a baseband blob that does not fit its image");
  ImageBytes signed_image(elf.begin(), elf.end());
  Overwrite(signed_image, segment.offset, blob.first(front));
  Overwrite(signed_image, segment.offset + owner_at, blob.subspan(front, head->owner));
  return signed_image;
}

// --- .fls ---

namespace {

constexpr std::uint32_t kCodeElement = 0x0C;
constexpr std::size_t kMostElements = 4096;
constexpr std::size_t kTotalSizeInCode = 0x10;  // of the code, signature included
constexpr std::size_t kSignatureOffsetInCode = 0x14;

// Header of an element by type, and where it repeats the size of its data and their place in the
// file.
struct ElementLayout {
  std::uint32_t type;
  std::size_t header, data_size_at, data_offset_at;
};
constexpr auto kLayouts = std::to_array<ElementLayout>(
    {{kCodeElement, 40, 28, 36}, {0x10, 24, 12, 20}, {0x14, 24, 12, 20}});
constexpr std::size_t kPlainHeader = 12;

const ElementLayout* LayoutOf(std::uint32_t type) {
  const auto* found = std::ranges::find(kLayouts, type, &ElementLayout::type);
  return found == kLayouts.end() ? nullptr : found;
}

}  // namespace

Result<FlsFile> FlsFile::Parse(Span bytes) {
  FlsFile file;
  std::size_t codes = 0;
  while (!bytes.empty()) {
    if (bytes.size() < kPlainHeader || file.elements_.size() == kMostElements)
      return Bad(".fls: a broken element");
    const auto type = ReadLittle<std::uint32_t>(bytes, 0);
    const std::size_t size = ReadLittle<std::uint32_t>(bytes, 4);
    const ElementLayout* layout = LayoutOf(type);
    const std::size_t header = layout == nullptr ? kPlainHeader : layout->header;
    if (size < header || size > bytes.size())
      return Bad(".fls: an element of " + std::to_string(size) + " bytes");
    if (type == kCodeElement) {
      file.code_ = file.elements_.size();
      ++codes;
    }
    const Span head = bytes.first(header);
    const Span data = bytes.subspan(header, size - header);
    file.elements_.push_back({type, {head.begin(), head.end()}, {data.begin(), data.end()}});
    bytes = bytes.subspan(size);
  }
  if (codes != 1) return Bad(".fls: " + std::to_string(codes) + " elements with code");
  return file;
}

Status FlsFile::ReplaceSignature(Span blob) {
  Element& code = elements_[code_];
  if (code.data.size() < kSignatureOffsetInCode + 4) return Bad(".fls: no room for a signature");
  const auto total = ReadLittle<std::uint32_t>(code.data, kTotalSizeInCode);
  const auto offset = ReadLittle<std::uint32_t>(code.data, kSignatureOffsetInCode);
  if (total != code.data.size() || offset > total || offset < kSignatureOffsetInCode + 4)
    return Bad(".fls: a signature at " + std::to_string(offset) + " of " + std::to_string(total));
  code.data.resize(offset);
  code.data.insert(code.data.end(), blob.begin(), blob.end());
  WriteLittle32(code.data, kTotalSizeInCode, static_cast<std::uint32_t>(code.data.size()));
  return {};
}

void FlsFile::InsertTicket(Span ticket) {
  std::vector<std::uint8_t> padded(ticket.begin(), ticket.end());
  padded.resize((padded.size() + 3) / 4 * 4, 0xFF);
  Element& code = elements_[code_];
  code.data.insert(code.data.begin(), padded.begin(), padded.end());
}

ImageBytes FlsFile::Write() const {
  ImageBytes out;
  for (const Element& element : elements_) {
    const std::size_t start = out.size();
    const std::size_t data_at = start + element.header.size();
    out.insert(out.end(), element.header.begin(), element.header.end());
    out.insert(out.end(), element.data.begin(), element.data.end());
    WriteLittle32(out, start + 4, static_cast<std::uint32_t>(out.size() - start));
    if (const ElementLayout* layout = LayoutOf(element.type)) {
      if (element.type == kCodeElement)
        WriteLittle32(out, start + layout->data_size_at,
                      static_cast<std::uint32_t>(element.data.size()));
      WriteLittle32(out, start + layout->data_offset_at, static_cast<std::uint32_t>(data_at));
    }
  }
  return out;
}

}  // namespace station::restore
