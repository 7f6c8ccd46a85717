#include "station/store/reader/index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "station/base/digest.h"
#include "station/store/reader/firmware_reader.h"

namespace station::store {
namespace {

static_assert(std::endian::native == std::endian::little, "the index is read in place");

constexpr std::array<char, 8> kMagic = {'S', 'T', 'N', 'I', 'N', 'D', 'E', 'X'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kNoDigests = ~std::uint64_t{0};
constexpr std::uint64_t kLargestIndex = 256U << 20U;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t chunk_size;
  std::uint64_t ipsw_size;
  Sha256Digest ipsw_sha256;
  std::uint64_t os_image_size;
  std::uint64_t member_count;
  std::uint64_t asr_digest_count;
  std::uint64_t names_size;
};
static_assert(sizeof(Header) == 88);

struct Record {
  std::uint32_t name_offset;
  std::uint32_t name_size;
  std::uint64_t data_offset;
  std::uint64_t compressed_size;
  std::uint64_t size;
  std::uint64_t image_offset;
  std::uint64_t first_asr_digest;
  std::uint32_t crc32;
  std::uint32_t unix_mode;
  std::uint32_t method;
  std::uint32_t zero;
};
static_assert(sizeof(Record) == 64);
static_assert(sizeof(Sha1Digest) == 20 && sizeof(Sha256Digest) == 32 && alignof(Sha256Digest) == 1);

std::uint64_t Pieces(std::uint64_t size, std::uint64_t piece) {
  return size / piece + (size % piece != 0 ? 1 : 0);
}

bool Within(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

std::unexpected<Error> Rotted(std::string what) {
  return Fail(ErrorCode::kFirmwareRotted, "index: " + std::move(what));
}

template <typename T>
void Append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
void AppendAll(std::string& out, const std::vector<T>& values) {
  for (const T& value : values) Append(out, value);
}

template <typename T>
std::span<const T> Take(std::span<const std::uint8_t>& bytes, std::uint64_t count) {
  const std::span<const T> part(reinterpret_cast<const T*>(bytes.data()), count);
  bytes = bytes.subspan(count * sizeof(T));
  return part;
}

// Does it hold exactly what its counts say? Counts are bounded first, so that no product overflows.
bool Adds(const Header& header, std::size_t whole) {
  if (header.member_count > whole || header.asr_digest_count > whole || header.names_size > whole)
    return false;
  const std::uint64_t chunks =
      Pieces(header.ipsw_size, kIndexChunk) + Pieces(header.os_image_size, kIndexChunk);
  if (chunks > whole) return false;
  return sizeof(Header) + chunks * sizeof(Sha256Digest) + header.member_count * sizeof(Record) +
             header.asr_digest_count * sizeof(Sha1Digest) + header.names_size +
             sizeof(Sha256Digest) ==
         whole;
}

}  // namespace

std::string FormatIndex(const IndexContent& content) {
  std::vector<const IndexContent::Member*> members;
  for (const auto& member : content.members) members.push_back(&member);
  std::ranges::sort(members, {},
                    [](const auto* member) -> const std::string& { return member->zip.name; });

  std::string records;
  std::string digests;
  std::string names;
  for (const auto* member : members) {
    const firmware::ZipMember& zip = member->zip;
    const bool stored = zip.method == firmware::ZipMethod::kStored;
    Record record{};
    record.name_offset = static_cast<std::uint32_t>(names.size());
    record.name_size = static_cast<std::uint32_t>(zip.name.size());
    record.data_offset = zip.data_offset;
    record.compressed_size = zip.compressed_size;
    record.size = zip.size;
    record.image_offset = stored ? zip.data_offset : member->image_offset;
    record.first_asr_digest =
        member->asr_digests ? digests.size() / sizeof(Sha1Digest) : kNoDigests;
    record.crc32 = zip.crc32;
    record.unix_mode = zip.unix_mode;
    record.method = static_cast<std::uint32_t>(zip.method);
    Append(records, record);
    names += zip.name;
    if (member->asr_digests) AppendAll(digests, *member->asr_digests);
  }

  std::string out;
  Append(out, Header{kMagic, kVersion, static_cast<std::uint32_t>(kIndexChunk), content.ipsw_size,
                     content.ipsw_sha256, content.os_image_size, members.size(),
                     digests.size() / sizeof(Sha1Digest), names.size()});
  AppendAll(out, content.ipsw_chunks);
  AppendAll(out, content.os_image_chunks);
  out += records + digests + names;
  Append(out, Sha256Of({reinterpret_cast<const std::uint8_t*>(out.data()), out.size()}));
  return out;
}

Result<Index> Index::Parse(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < sizeof(Header) + sizeof(Sha256Digest) || bytes.size() > kLargestIndex)
    return Rotted("it is " + std::to_string(bytes.size()) + " bytes long");
  Header header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return Rotted("it is none");
  const auto body = bytes.first(bytes.size() - sizeof(Sha256Digest));
  const Sha256Digest digest = Sha256Of(body);
  if (!std::ranges::equal(digest, bytes.last(sizeof digest))) return Rotted("its digest is wrong");
  if (header.version != kVersion || header.chunk_size != kIndexChunk)
    return Fail(ErrorCode::kFirmwareUnsupported,
                "index: layout " + std::to_string(header.version) + "; import the firmware again");
  if (!Adds(header, bytes.size())) return Rotted("its parts do not add up");

  Index index;
  index.ipsw_size_ = header.ipsw_size;
  index.ipsw_sha256_ = header.ipsw_sha256;
  index.os_image_size_ = header.os_image_size;
  index.member_count_ = header.member_count;
  auto rest = body.subspan(sizeof header);
  index.ipsw_chunks_ = Take<Sha256Digest>(rest, Pieces(header.ipsw_size, kIndexChunk));
  index.os_image_chunks_ = Take<Sha256Digest>(rest, Pieces(header.os_image_size, kIndexChunk));
  index.members_ = Take<std::uint8_t>(rest, header.member_count * sizeof(Record));
  index.asr_digests_ = Take<Sha1Digest>(rest, header.asr_digest_count);
  index.names_ = rest;
  STATION_CHECK(index.CheckMembers());
  return index;
}

Status Index::CheckMembers() const {
  std::string_view previous;
  for (std::size_t i = 0; i < member_count_; ++i) {
    if (!InBounds(i)) return Rotted("member " + std::to_string(i) + " is out of bounds");
    const std::string_view name = Member(i).name;
    if (name <= previous) return Rotted("member " + std::to_string(i) + " is out of order");
    previous = name;
  }
  return {};
}

bool Index::InBounds(std::size_t i) const {
  Record record{};
  std::memcpy(&record, members_.data() + i * sizeof record, sizeof record);
  const bool stored = record.method == static_cast<std::uint32_t>(firmware::ZipMethod::kStored);
  const bool deflated = record.method == static_cast<std::uint32_t>(firmware::ZipMethod::kDeflated);
  if (!Within(record.name_offset, record.name_size, names_.size()) ||
      !Within(record.data_offset, record.compressed_size, ipsw_size_) || (!stored && !deflated) ||
      (stored && record.size != record.compressed_size) ||
      (stored && record.image_offset != record.data_offset) || record.zero != 0)
    return false;
  if (record.first_asr_digest == kNoDigests) return true;
  return Within(record.first_asr_digest, Pieces(record.size, kAsrChunk), asr_digests_.size()) &&
         (stored || Within(record.image_offset, record.size, os_image_size_));
}

IndexedMember Index::Member(std::size_t i) const {
  Record record{};
  std::memcpy(&record, members_.data() + i * sizeof record, sizeof record);
  IndexedMember member;
  member.name = {reinterpret_cast<const char*>(names_.data()) + record.name_offset,
                 record.name_size};
  member.data_offset = record.data_offset;
  member.compressed_size = record.compressed_size;
  member.size = record.size;
  member.method = static_cast<firmware::ZipMethod>(record.method);
  member.crc32 = record.crc32;
  member.unix_mode = record.unix_mode;
  member.is_image = record.first_asr_digest != kNoDigests;
  member.image_offset = record.image_offset;
  if (member.is_image)
    member.asr_digests =
        asr_digests_.subspan(record.first_asr_digest, Pieces(record.size, kAsrChunk));
  return member;
}

std::optional<IndexedMember> Index::Find(std::string_view name) const {
  std::size_t low = 0;
  std::size_t high = member_count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (Member(middle).name < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == member_count_ || Member(low).name != name) return std::nullopt;
  return Member(low);
}

}  // namespace station::store
