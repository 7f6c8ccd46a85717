#include "tests/rack/forge/zip_reader.h"

#include <zlib.h>

#include <algorithm>

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Result;
using station::Status;

constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kEnd64Size = 56;
constexpr std::uint64_t kLocatorSize = 20;
constexpr std::uint64_t kEntrySize = 46;
constexpr std::uint64_t kLocalSize = 30;
constexpr std::uint64_t kIn64 = 0xFFFFFFFF;
constexpr std::uint16_t kZip64Extra = 0x0001;
constexpr std::uint64_t kLargestDirectory = 64U << 20U;
constexpr std::uint64_t kLargestWhole = 1U << 30U;
constexpr std::size_t kPiece = 1U << 20U;

// Little-endian numbers, bounds-checked: beyond the end everything is 0.
class Numbers {
 public:
  explicit Numbers(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t At(std::uint64_t at, unsigned size) const {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size && at + i < bytes_.size(); ++i)
      value |= std::uint64_t{bytes_[at + i]} << (8U * i);
    return value;
  }
  [[nodiscard]] std::span<const std::uint8_t> Part(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return {};
    return bytes_.subspan(at, size);
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

std::unexpected<station::Error> Broken(const char* what) {
  return Fail(ErrorCode::kFirmwareMalformed, std::string("not a whole zip: ") + what);
}

// Takes the next 64-bit number of the zip64 extra where the field proper says "see there".
void Widen(std::uint64_t& field, std::span<const std::uint8_t>& extra) {
  if (field != kIn64 || extra.size() < 8) return;
  field = Numbers(extra).At(0, 8);
  extra = extra.subspan(8);
}

std::span<const std::uint8_t> Zip64Extra(std::span<const std::uint8_t> extra) {
  while (extra.size() >= 4) {
    const Numbers numbers(extra);
    const std::uint64_t size = numbers.At(2, 2);
    if (numbers.At(0, 2) == kZip64Extra) return numbers.Part(4, size);
    extra = extra.subspan(std::min<std::uint64_t>(4 + size, extra.size()));
  }
  return {};
}

// Hands on what the deflated bytes given to it hold.
class Inflater {
 public:
  explicit Inflater(const ZipReader::Visit& visit) : visit_(visit), out_(kPiece) {
    inflateInit2(&stream_, -MAX_WBITS);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  [[nodiscard]] Status Take(std::span<const std::uint8_t> packed) {
    stream_.next_in = const_cast<Bytef*>(packed.data());
    stream_.avail_in = static_cast<uInt>(packed.size());
    do {
      stream_.next_out = out_.data();
      stream_.avail_out = static_cast<uInt>(out_.size());
      state_ = inflate(&stream_, Z_NO_FLUSH);
      const auto made = std::span(out_).first(out_.size() - stream_.avail_out);
      made_ += made.size();
      STATION_CHECK(visit_(made));
    } while (state_ == Z_OK && (stream_.avail_in != 0 || stream_.avail_out == 0));
    return {};
  }
  [[nodiscard]] bool Ended() const { return state_ == Z_STREAM_END; }
  [[nodiscard]] std::uint64_t Made() const { return made_; }

 private:
  const ZipReader::Visit& visit_;
  Bytes out_;
  z_stream stream_{};
  int state_ = Z_OK;
  std::uint64_t made_ = 0;
};

struct Directory {
  std::uint64_t count = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

Result<Directory> FindDirectory(const station::Fd& file) {
  STATION_TRY(length, station::FileSize(file));
  if (length < kEndSize) return Broken("too short");
  Bytes end(kEndSize);
  STATION_CHECK(station::ReadAt(file, length - kEndSize, end));
  const Numbers numbers(end);
  if (numbers.At(0, 4) != 0x06054B50) return Broken("no end record");
  Directory directory{numbers.At(10, 2), numbers.At(12, 4), numbers.At(16, 4)};
  if (directory.offset != kIn64 && directory.count != 0xFFFF) return directory;
  if (length < kEndSize + kLocatorSize + kEnd64Size) return Broken("no zip64 end record");
  Bytes end64(kEnd64Size);
  STATION_CHECK(station::ReadAt(file, length - kEndSize - kLocatorSize - kEnd64Size, end64));
  const Numbers wide(end64);
  if (wide.At(0, 4) != 0x06064B50) return Broken("no zip64 end record");
  return Directory{wide.At(32, 8), wide.At(40, 8), wide.At(48, 8)};
}

}  // namespace

Result<ZipReader> ZipReader::Open(const std::string& path) {
  STATION_TRY(file, station::OpenForReading(path));
  ZipReader reader(std::move(file));
  STATION_CHECK(reader.ReadDirectory());
  return reader;
}

Status ZipReader::ReadDirectory() {
  STATION_TRY(directory, FindDirectory(file_));
  if (directory.size > kLargestDirectory) return Broken("central directory too large");
  Bytes bytes(directory.size);
  STATION_CHECK(station::ReadAt(file_, directory.offset, bytes));
  const Numbers numbers(bytes);
  std::uint64_t at = 0;
  for (std::uint64_t left = directory.count; left > 0; --left) {
    if (numbers.At(at, 4) != 0x02014B50) return Broken("central directory");
    const std::uint64_t name_size = numbers.At(at + 28, 2);
    const std::uint64_t extra_size = numbers.At(at + 30, 2);
    const auto name = numbers.Part(at + kEntrySize, name_size);
    auto extra = Zip64Extra(numbers.Part(at + kEntrySize + name_size, extra_size));
    Member member{.deflated = numbers.At(at + 10, 2) != 0,
                  .size = numbers.At(at + 24, 4),
                  .stored_size = numbers.At(at + 20, 4),
                  .data_at = numbers.At(at + 42, 4)};
    Widen(member.size, extra);
    Widen(member.stored_size, extra);
    Widen(member.data_at, extra);
    Bytes local(kLocalSize);
    STATION_CHECK(station::ReadAt(file_, member.data_at, local));
    if (Numbers(local).At(0, 4) != 0x04034B50) return Broken("local header");
    member.data_at += kLocalSize + Numbers(local).At(26, 2) + Numbers(local).At(28, 2);
    members_[std::string(AsText(name))] = member;
    at += kEntrySize + name_size + extra_size + numbers.At(at + 32, 2);
  }
  return {};
}

const ZipReader::Member* ZipReader::Find(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : &found->second;
}

Status ZipReader::ForEachStored(const Member& member, const Visit& visit) const {
  return SparseFile(file_).ForEachPiece(member.data_at, member.stored_size, visit);
}

Status ZipReader::ForEachPiece(const std::string& name, const Visit& visit) const {
  const Member* member = Find(name);
  if (member == nullptr) return Fail(ErrorCode::kFirmwareMalformed, "no member " + name);
  if (!member->deflated) return ForEachStored(*member, visit);
  Inflater inflater(visit);
  STATION_CHECK(ForEachStored(
      *member, [&](std::span<const std::uint8_t> packed) { return inflater.Take(packed); }));
  if (!inflater.Ended() || inflater.Made() != member->size)
    return Fail(ErrorCode::kFirmwareMalformed, name + " does not inflate to its size");
  return {};
}

Result<Bytes> ZipReader::Read(const std::string& name) const {
  const Member* member = Find(name);
  if (member != nullptr && member->size > kLargestWhole)
    return Fail(ErrorCode::kFirmwareMalformed, name + " is too large to be read whole");
  Bytes bytes;
  STATION_CHECK(ForEachPiece(name, [&](std::span<const std::uint8_t> piece) -> Status {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  }));
  return bytes;
}

}  // namespace rack
