#include "tests/rack/side/zip.h"

#include <zlib.h>

#include <memory>

#include "tests/rack/side/little_endian.h"

namespace rack {
namespace {

using Span = std::span<const std::uint8_t>;

constexpr std::uint32_t kLocal = 0x04034B50;
constexpr std::uint32_t kCentral = 0x02014B50;
constexpr std::uint32_t kEnd = 0x06054B50;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kLongestComment = 65535;
constexpr std::uint64_t kMostBytes = 256U << 20U;
constexpr std::uint32_t kStored = 0;
constexpr std::uint32_t kDeflated = 8;
constexpr std::uint32_t kVersion = 20;
constexpr std::uint32_t kDosDate = 0x5A21U << 16U;
constexpr std::uint32_t kRegularFile0644 = 0100644U << 16U;
constexpr std::uint32_t kMadeByUnix = 3U << 8U | kVersion;

std::uint32_t Crc(Span bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

// What local and central headers have in common, from the version to the extra's length.
void PutCommon(Bytes& out, const std::string& name, const Bytes& data) {
  PutLittle(out, kVersion, 2);
  PutLittle(out, 0, 2);
  PutLittle(out, kStored, 2);
  Put32(out, kDosDate);
  Put32(out, Crc(data));
  Put32(out, data.size());
  Put32(out, data.size());
  PutLittle(out, name.size(), 2);
  PutLittle(out, 0, 2);
}

std::optional<Bytes> Inflate(Span packed, std::size_t size) {
  Bytes out(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ended(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  if (inflate(&stream, Z_FINISH) != Z_STREAM_END || stream.total_out != size) return std::nullopt;
  return out;
}

// One entry of the central directory, bounds not yet checked against the file.
struct Entry {
  std::uint32_t method = 0;
  std::uint32_t crc = 0;
  std::uint32_t packed_size = 0;
  std::uint32_t size = 0;
  std::uint32_t offset = 0;
  std::string name;
  std::size_t whole = 0;  // of the entry itself
};

std::optional<Entry> ReadEntry(Span directory) {
  if (directory.size() < kCentralSize || LittleAt(directory, 0) != kCentral) return std::nullopt;
  Entry entry{.method = *LittleAt(directory, 10, 2),
              .crc = *LittleAt(directory, 16),
              .packed_size = *LittleAt(directory, 20),
              .size = *LittleAt(directory, 24),
              .offset = *LittleAt(directory, 42),
              .name = {},
              .whole = 0};
  const std::size_t name_size = *LittleAt(directory, 28, 2);
  entry.whole =
      kCentralSize + name_size + *LittleAt(directory, 30, 2) + *LittleAt(directory, 32, 2);
  if (entry.whole > directory.size()) return std::nullopt;
  entry.name = AsText(directory.subspan(kCentralSize, name_size));
  return entry;
}

std::optional<Bytes> ReadMember(Span zip, const Entry& entry) {
  if (entry.offset > zip.size() || LittleAt(zip, entry.offset) != kLocal) return std::nullopt;
  const Span local = zip.subspan(entry.offset);
  const auto name_size = LittleAt(local, 26, 2);
  const auto extra_size = LittleAt(local, 28, 2);
  if (!name_size || !extra_size) return std::nullopt;
  const std::size_t data_at = kLocalSize + *name_size + *extra_size;
  if (data_at > local.size() || local.size() - data_at < entry.packed_size) return std::nullopt;
  const Span packed = local.subspan(data_at, entry.packed_size);
  std::optional<Bytes> data;
  if (entry.method == kStored && entry.size == entry.packed_size)
    data = Bytes(packed.begin(), packed.end());
  if (entry.method == kDeflated) data = Inflate(packed, entry.size);
  if (!data || Crc(*data) != entry.crc) return std::nullopt;
  return data;
}

// Where the end record stands; it may be followed by a comment.
std::optional<std::size_t> FindEnd(Span zip) {
  if (zip.size() < kEndSize) return std::nullopt;
  const std::size_t last = zip.size() - kEndSize;
  for (std::size_t back = 0; back <= last && back <= kLongestComment; ++back)
    if (LittleAt(zip, last - back) == kEnd) return last - back;
  return std::nullopt;
}

}  // namespace

Bytes WriteZip(const ZipMembers& members) {
  Bytes zip;
  Bytes directory;
  for (const auto& [name, data] : members) {
    const std::size_t offset = zip.size();
    Put32(zip, kLocal);
    PutCommon(zip, name, data);
    zip.insert(zip.end(), name.begin(), name.end());
    zip.insert(zip.end(), data.begin(), data.end());
    Put32(directory, kCentral);
    PutLittle(directory, kMadeByUnix, 2);
    PutCommon(directory, name, data);
    PutLittle(directory, 0, 6);
    Put32(directory, kRegularFile0644);
    Put32(directory, offset);
    directory.insert(directory.end(), name.begin(), name.end());
  }
  const std::size_t start = zip.size();
  zip.insert(zip.end(), directory.begin(), directory.end());
  Put32(zip, kEnd);
  Put32(zip, 0);
  PutLittle(zip, members.size(), 2);
  PutLittle(zip, members.size(), 2);
  Put32(zip, directory.size());
  Put32(zip, start);
  PutLittle(zip, 0, 2);
  return zip;
}

std::optional<ZipMembers> ReadZip(Span zip) {
  const auto end = FindEnd(zip);
  if (!end) return std::nullopt;
  const std::size_t count = *LittleAt(zip, *end + 10, 2);
  std::size_t at = *LittleAt(zip, *end + 16);
  std::uint64_t total = 0;
  ZipMembers members;
  for (std::size_t i = 0; i < count; ++i) {
    if (at > *end) return std::nullopt;
    const auto entry = ReadEntry(zip.subspan(at, *end - at));
    if (!entry || (total += entry->size) > kMostBytes) return std::nullopt;
    auto data = ReadMember(zip, *entry);
    if (!data || !members.emplace(entry->name, std::move(*data)).second) return std::nullopt;
    at += entry->whole;
  }
  return members;
}

}  // namespace rack
