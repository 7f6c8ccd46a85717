#include "station/firmware/zip_directory.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

namespace station::firmware {
namespace {

constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kEnd64Size = 56;
constexpr std::uint64_t kLocator64Size = 20;
constexpr std::uint64_t kCentralSize = 46;
constexpr std::uint64_t kLocalSize = 30;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kIn64 = 0xffffffff;  // "see the zip64 field"
constexpr std::uint16_t kEncryptedFlags = 1U | 1U << 6U | 1U << 13U;
constexpr std::uint16_t kSizesFollowFlag = 1U << 3U;  // a data descriptor follows the data
constexpr std::uint64_t kBestDeflate = 1032;          // deflate never does better than 1032 : 1

using Bytes = std::span<const std::uint8_t>;

std::unexpected<Error> Malformed(std::string what) {
  return Fail(ErrorCode::kFirmwareMalformed, "zip: " + std::move(what));
}

std::unexpected<Error> Malformed(const std::string& member, std::string_view what) {
  // Names come from outside: only what prints reaches a log.
  std::string shown;
  for (const char c : member.substr(0, 200)) shown += c >= 0x20 && c < 0x7f ? c : '?';
  return Malformed("member \"" + shown + "\" " + std::string(what));
}

// Little-endian fields one after the other; the caller has checked that they are there.
class Fields {
 public:
  explicit Fields(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] std::size_t Left() const { return bytes_.size(); }
  Bytes Take(std::size_t size) {
    const Bytes part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  void Skip(std::size_t size) { bytes_ = bytes_.subspan(size); }
  std::uint16_t U16() { return static_cast<std::uint16_t>(Number(2)); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Number(4)); }
  std::uint64_t U64() { return Number(8); }

 private:
  std::uint64_t Number(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8U | bytes_[i];
    bytes_ = bytes_.subspan(size);
    return value;
  }
  Bytes bytes_;
};

struct End {
  std::uint64_t members = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t directory_offset = 0;
};

// A member while it is read: what the central directory says, and where its local header is.
struct Draft {
  ZipMember member;
  std::uint16_t flags = 0;
  std::uint64_t local_offset = 0;
};

Result<std::vector<std::uint8_t>> ReadRange(const ByteSource& source, std::uint64_t offset,
                                            std::uint64_t size) {
  std::vector<std::uint8_t> bytes(size);
  STATION_CHECK(source.ReadAt(offset, bytes));
  return bytes;
}

// One number that may be too large for its field, in the end records: both must agree unless the
// small one defers.
bool Agree(std::uint64_t small, std::uint64_t large, std::uint64_t defers) {
  return small == large || small == defers;
}

Result<End> ReadEnd64(const ByteSource& source, std::uint64_t locator_at, Bytes locator,
                      const End& end32) {
  Fields fields(locator);
  fields.Skip(4);
  const std::uint32_t disk = fields.U32();
  const std::uint64_t end_at = fields.U64();
  const std::uint32_t disks = fields.U32();
  if (disk != 0 || disks > 1) return Malformed("it spans several disks");
  if (locator_at < kEnd64Size || end_at > locator_at - kEnd64Size)
    return Malformed("the zip64 end record lies outside the file");
  STATION_TRY(bytes, ReadRange(source, end_at, kEnd64Size));
  Fields record(bytes);
  if (record.U32() != kEnd64Signature) return Malformed("there is no zip64 end record");
  if (record.U64() != locator_at - end_at - 12)
    return Malformed("the zip64 end record has a wrong size");
  record.Skip(4);
  if (record.U32() != 0 || record.U32() != 0) return Malformed("it spans several disks");
  End end;
  const std::uint64_t here = record.U64();
  end.members = record.U64();
  end.directory_size = record.U64();
  end.directory_offset = record.U64();
  if (here != end.members) return Malformed("it spans several disks");
  if (!Agree(end32.members, end.members, 0xffff) ||
      !Agree(end32.directory_size, end.directory_size, kIn64) ||
      !Agree(end32.directory_offset, end.directory_offset, kIn64))
    return Malformed("its two end records disagree");
  if (end.directory_size > end_at || end.directory_offset > end_at - end.directory_size)
    return Malformed("the central directory lies outside the file");
  return end;
}

Result<End> ReadEndAt(const ByteSource& source, std::uint64_t end_at, Bytes bytes) {
  Fields fields(bytes);
  fields.Skip(4);
  const std::uint16_t disk = fields.U16();
  const std::uint16_t directory_disk = fields.U16();
  const std::uint16_t here = fields.U16();
  End end;
  end.members = fields.U16();
  end.directory_size = fields.U32();
  end.directory_offset = fields.U32();
  if (disk != 0 || directory_disk != 0 || here != end.members)
    return Malformed("it spans several disks");
  if (end_at >= kLocator64Size) {
    STATION_TRY(locator, ReadRange(source, end_at - kLocator64Size, kLocator64Size));
    if (Fields(locator).U32() == kLocator64Signature)
      return ReadEnd64(source, end_at - kLocator64Size, locator, end);
  }
  if (end.directory_size == kIn64 || end.directory_offset == kIn64)
    return Malformed("the zip64 end record is missing");
  if (end.directory_size > end_at || end.directory_offset > end_at - end.directory_size)
    return Malformed("the central directory lies outside the file");
  return end;
}

// The end record is the last thing in the file, but for a comment that may itself look like one.
Result<End> ReadEnd(const ByteSource& source) {
  const std::uint64_t size = source.Size();
  if (size < kEndSize) return Malformed("the file is too short");
  const std::uint64_t tail_size = std::min<std::uint64_t>(size, kEndSize + 0xffff);
  STATION_TRY(tail, ReadRange(source, size - tail_size, tail_size));
  for (std::size_t at = tail.size() - kEndSize + 1; at-- > 0;) {
    Fields fields(Bytes(tail).subspan(at));
    if (fields.U32() != kEndSignature) continue;
    fields.Skip(16);
    if (fields.U16() != fields.Left()) continue;
    return ReadEndAt(source, size - tail_size + at, Bytes(tail).subspan(at));
  }
  return Malformed("there is no end of central directory; the file is cut short or no zip");
}

// Sizes and offset in their 64-bit form: each that is kIn64 stands in the zip64 extra field, in
// this order.
struct WideFields {
  std::uint64_t size = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t local_offset = 0;
};

bool Widen(WideFields& wide, Bytes extra) {
  std::optional<Bytes> found;
  Fields fields(extra);
  while (fields.Left() >= 4) {
    const std::uint16_t kind = fields.U16();
    const std::uint16_t size = fields.U16();
    if (size > fields.Left()) return false;
    const Bytes content = fields.Take(size);
    if (kind == kZip64Extra && found) return false;
    if (kind == kZip64Extra) found = content;
  }
  Fields zip64(found.value_or(Bytes()));
  for (std::uint64_t* value : {&wide.size, &wide.compressed_size, &wide.local_offset}) {
    if (*value != kIn64) continue;
    if (zip64.Left() < 8) return false;
    *value = zip64.U64();
  }
  return true;
}

Status CheckName(const std::string& name) {
  if (name.empty()) return Malformed(name, "has no name");
  if (name.find('\0') != std::string::npos) return Malformed(name, "has a NUL in its name");
  if (name.front() == '/') return Malformed(name, "has an absolute name");
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (std::string_view(name).substr(begin, end - begin) == "..")
      return Malformed(name, "leads out of the archive");
    begin = end + 1;
  }
  return {};
}

Status CheckSizes(const ZipMember& member) {
  if (member.method == ZipMethod::kStored && member.compressed_size != member.size)
    return Malformed(member.name, "is stored but has two sizes");
  if (member.method == ZipMethod::kDeflated && member.size / kBestDeflate > member.compressed_size)
    return Malformed(member.name, "claims to inflate to more than deflate can hold");
  if (member.name.back() == '/' && member.size != 0)
    return Malformed(member.name, "is a folder with content");
  return {};
}

Result<Draft> ReadCentral(Fields& directory) {
  if (directory.Left() < kCentralSize || directory.U32() != kCentralSignature)
    return Malformed("the central directory is broken");
  Draft draft;
  ZipMember& member = draft.member;
  const std::uint16_t made_by = directory.U16();
  directory.Skip(2);
  draft.flags = directory.U16();
  const std::uint16_t method = directory.U16();
  directory.Skip(4);
  member.crc32 = directory.U32();
  WideFields wide;
  wide.compressed_size = directory.U32();
  wide.size = directory.U32();
  const std::uint16_t name_size = directory.U16();
  const std::uint16_t extra_size = directory.U16();
  const std::uint16_t comment_size = directory.U16();
  const std::uint16_t disk = directory.U16();
  directory.Skip(2);
  const std::uint32_t attributes = directory.U32();
  wide.local_offset = directory.U32();
  if (directory.Left() < std::size_t{name_size} + extra_size + comment_size)
    return Malformed("the central directory is broken");
  const Bytes name = directory.Take(name_size);
  member.name.assign(name.begin(), name.end());
  const Bytes extra = directory.Take(extra_size);
  directory.Skip(comment_size);

  STATION_CHECK(CheckName(member.name));
  if ((draft.flags & kEncryptedFlags) != 0) return Malformed(member.name, "is encrypted");
  if (disk != 0) return Malformed(member.name, "lies on another disk");
  if (method != 0 && method != 8)
    return Malformed(member.name, "uses compression method " + std::to_string(method));
  if (!Widen(wide, extra)) return Malformed(member.name, "has a broken extra field");
  member.method = static_cast<ZipMethod>(method);
  member.size = wide.size;
  member.compressed_size = wide.compressed_size;
  draft.local_offset = wide.local_offset;
  const unsigned system = made_by >> 8U;
  if (system == 3 || system == 19) member.unix_mode = attributes >> 16U;  // Unix, Darwin
  STATION_CHECK(CheckSizes(member));
  return draft;
}

Result<std::vector<Draft>> ReadDirectory(const ByteSource& source, const End& end) {
  if (end.members > ZipDirectory::kMostMembers)
    return Malformed("it has " + std::to_string(end.members) + " members");
  if (end.directory_size > ZipDirectory::kLargestDirectory)
    return Malformed("its central directory is " + std::to_string(end.directory_size) +
                     " bytes long");
  if (end.directory_size / kCentralSize < end.members)
    return Malformed("the central directory is too short for its members");
  STATION_TRY(bytes, ReadRange(source, end.directory_offset, end.directory_size));
  Fields directory(bytes);
  std::vector<Draft> drafts;
  drafts.reserve(end.members);
  for (std::uint64_t i = 0; i < end.members; ++i) {
    STATION_TRY(draft, ReadCentral(directory));
    drafts.push_back(std::move(draft));
  }
  if (directory.Left() != 0) return Malformed("the central directory holds more than its members");
  return drafts;
}

// What the local header says against what the directory says. Where the sizes follow the data it
// may leave them out.
Status CompareLocal(const Draft& draft, Bytes header, Bytes name, Bytes extra) {
  const ZipMember& member = draft.member;
  Fields fields(header);
  fields.Skip(6);
  const std::uint16_t flags = fields.U16();
  const std::uint16_t method = fields.U16();
  fields.Skip(4);
  const std::uint32_t crc32 = fields.U32();
  WideFields wide;
  wide.compressed_size = fields.U32();
  wide.size = fields.U32();
  const bool same_name =
      name.size() == member.name.size() &&
      std::equal(name.begin(), name.end(), member.name.begin(),
                 [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
  constexpr std::uint16_t kMatters = kEncryptedFlags | kSizesFollowFlag;
  if (!same_name || method != static_cast<std::uint16_t>(member.method) ||
      (flags & kMatters) != (draft.flags & kMatters) || !Widen(wide, extra))
    return Malformed(member.name, "has a local header that disagrees with the directory");
  const bool may_be_blank = (flags & kSizesFollowFlag) != 0;
  auto same = [&](std::uint64_t local, std::uint64_t central) {
    return local == central || (may_be_blank && local == 0);
  };
  if (!same(crc32, member.crc32) || !same(wide.size, member.size) ||
      !same(wide.compressed_size, member.compressed_size))
    return Malformed(member.name, "has a local header that disagrees with the directory");
  return {};
}

// Reads the member's local header and sets data_offset. `limit` is where the next thing in the file
// begins; checked before anything is read, so that a hostile file cannot have the same bytes read a
// thousand times.
Status Locate(const ByteSource& source, Draft& draft, std::uint64_t limit) {
  const ZipMember& member = draft.member;
  const std::uint64_t fixed = kLocalSize + member.name.size();
  if (draft.local_offset > limit || limit - draft.local_offset < fixed ||
      limit - draft.local_offset - fixed < member.compressed_size)
    return Malformed(member.name, "overlaps what follows it, or lies outside the file");
  STATION_TRY(bytes, ReadRange(source, draft.local_offset, fixed));
  const Bytes header = Bytes(bytes).first(kLocalSize);
  Fields fields(header);
  if (fields.U32() != kLocalSignature) return Malformed(member.name, "has no local header");
  fields.Skip(22);
  const std::uint16_t name_size = fields.U16();
  const std::uint16_t extra_size = fields.U16();
  if (name_size != member.name.size())
    return Malformed(member.name, "has a local header that disagrees with the directory");
  if (limit - draft.local_offset - fixed - member.compressed_size < extra_size)
    return Malformed(member.name, "overlaps what follows it, or lies outside the file");
  STATION_TRY(extra, ReadRange(source, draft.local_offset + fixed, extra_size));
  STATION_CHECK(CompareLocal(draft, header, Bytes(bytes).subspan(kLocalSize), extra));
  draft.member.data_offset = draft.local_offset + fixed + extra_size;
  return {};
}

}  // namespace

Status FileSource::ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const {
  return station::ReadAt(fd_, offset, out);
}

Status MemorySource::ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
    return Fail(ErrorCode::kIo, "reading beyond the end");
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return {};
}

Result<ZipDirectory> ZipDirectory::Read(const ByteSource& source) {
  STATION_TRY(end, ReadEnd(source));
  STATION_TRY(drafts, ReadDirectory(source, end));
  std::ranges::sort(drafts, {}, &Draft::local_offset);
  for (std::size_t i = 0; i < drafts.size(); ++i)
    STATION_CHECK(Locate(source, drafts[i],
                         i + 1 < drafts.size()
                             ? std::min(drafts[i + 1].local_offset, end.directory_offset)
                             : end.directory_offset));
  ZipDirectory directory;
  directory.members_.reserve(drafts.size());
  for (Draft& draft : drafts) directory.members_.push_back(std::move(draft.member));
  directory.by_name_.resize(drafts.size());
  std::iota(directory.by_name_.begin(), directory.by_name_.end(), 0U);
  const auto name = [&](std::uint32_t i) -> const std::string& {
    return directory.members_[i].name;
  };
  std::ranges::sort(directory.by_name_, {}, name);
  const auto twin = std::ranges::adjacent_find(directory.by_name_, {}, name);
  if (twin != directory.by_name_.end()) return Malformed(name(*twin), "is there twice");
  return directory;
}

const ZipMember* ZipDirectory::Find(std::string_view name) const {
  const auto at = [&](std::uint32_t i) -> std::string_view { return members_[i].name; };
  const auto found = std::ranges::lower_bound(by_name_, name, {}, at);
  return found != by_name_.end() && at(*found) == name ? &members_[*found] : nullptr;
}

}  // namespace station::firmware
