#include "tests/rack/forge/zip_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace rack {
namespace {

using station::Status;

constexpr std::size_t kPiece = 1U << 20U;
constexpr std::size_t kHole = 64U << 10U;  // zeros of this length are not written
constexpr std::array<std::uint8_t, kHole> kZeros{};
constexpr std::uint32_t kTooBig32 = 0xFFFFFFFF;
constexpr std::uint16_t kTooMany16 = 0xFFFF;
constexpr std::uint16_t kVersionZip64 = 45;
constexpr std::uint16_t kMadeByUnix = 3U << 8U | kVersionZip64;
constexpr std::uint16_t kZip64Extra = 0x0001;
constexpr std::uint32_t kRegularFile0644 = 0100644U << 16U;
constexpr std::uint32_t kDosDate = 0x5A21U
                                   << 16U;  // one fixed day: the same seed gives the same file

class Record {
 public:
  Record& U16(std::uint64_t value) { return Put(value, 2); }
  Record& U32(std::uint64_t value) { return Put(value, 4); }
  Record& U64(std::uint64_t value) { return Put(value, 8); }
  Record& Text(const std::string& text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  [[nodiscard]] const std::vector<std::uint8_t>& Get() const { return bytes_; }

 private:
  Record& Put(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i)
      bytes_.push_back(static_cast<std::uint8_t>(value >> (8U * static_cast<unsigned>(i))));
    return *this;
  }
  std::vector<std::uint8_t> bytes_;
};

std::uint64_t Capped(std::uint64_t size) { return std::min<std::uint64_t>(size, kTooBig32); }

}  // namespace

station::Result<ZipWriter> ZipWriter::Create(const std::string& path) {
  station::Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.Valid()) return station::FailErrno("creating " + path, errno);
  return ZipWriter(std::move(file));
}

Status ZipWriter::Write(std::span<const std::uint8_t> bytes) {
  STATION_CHECK(station::WriteAll(file_, bytes));
  position_ += bytes.size();
  return {};
}

// The next write makes them: the central directory always follows.
Status ZipWriter::SkipZeros(std::size_t size) {
  if (lseek(file_.Get(), static_cast<off_t>(size), SEEK_CUR) < 0)
    return station::FailErrno("leaving a hole", errno);
  position_ += size;
  return {};
}

Status ZipWriter::Add(const std::string& name, Method method, std::span<const std::uint8_t> bytes) {
  return Add(name, method, [&bytes](std::span<std::uint8_t> out) {
    const std::size_t size = std::min(bytes.size(), out.size());
    std::ranges::copy(bytes.first(size), out.begin());
    bytes = bytes.subspan(size);
    return size;
  });
}

// Every local header carries the zip64 extra: sizes are known only afterwards, and are then written
// in place.
Status ZipWriter::Add(const std::string& name, Method method, const Source& source) {
  Member member{name, method, 0, 0, 0, position_};
  Record header;
  header.U32(0x04034B50)
      .U16(kVersionZip64)
      .U16(0)
      .U16(static_cast<std::uint16_t>(method))
      .U32(kDosDate);
  header.U32(0).U32(kTooBig32).U32(kTooBig32).U16(name.size()).U16(20).Text(name);
  header.U16(kZip64Extra).U16(16).U64(0).U64(0);
  STATION_CHECK(Write(header.Get()));
  STATION_CHECK(method == Method::kStored ? WriteStored(source, member)
                                          : WriteDeflated(source, member));
  STATION_CHECK(PatchLocalHeader(member));
  members_.push_back(std::move(member));
  return {};
}

Status ZipWriter::WriteMemberPiece(std::span<const std::uint8_t> bytes, Member& member) {
  static const auto zeros_crc = static_cast<std::uint32_t>(crc32_z(0, kZeros.data(), kHole));
  if (bytes.size() == kHole && std::memcmp(bytes.data(), kZeros.data(), kHole) == 0) {
    member.crc = static_cast<std::uint32_t>(crc32_combine(member.crc, zeros_crc, kHole));
    return SkipZeros(kHole);
  }
  member.crc = static_cast<std::uint32_t>(crc32_z(member.crc, bytes.data(), bytes.size()));
  return Write(bytes);
}

Status ZipWriter::WriteStored(const Source& source, Member& member) {
  std::vector<std::uint8_t> piece(kPiece);
  while (const std::size_t size = source(piece)) {
    auto bytes = std::span<const std::uint8_t>(piece).first(size);
    member.size += size;
    while (!bytes.empty()) {
      const std::size_t part = std::min(bytes.size(), kHole);
      STATION_CHECK(WriteMemberPiece(bytes.first(part), member));
      bytes = bytes.subspan(part);
    }
  }
  member.stored_size = member.size;
  return {};
}

Status ZipWriter::WriteDeflated(const Source& source, Member& member) {
  std::vector<std::uint8_t> in(kPiece);
  std::vector<std::uint8_t> out(kPiece);
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return station::Fail(station::ErrorCode::kInternal, "starting deflate");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ended(&stream, deflateEnd);
  int flush = Z_NO_FLUSH;
  while (flush != Z_FINISH) {
    const std::size_t size = source(in);
    member.crc = static_cast<std::uint32_t>(crc32_z(member.crc, in.data(), size));
    member.size += size;
    flush = size == 0 ? Z_FINISH : Z_NO_FLUSH;
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(size);
    do {
      stream.next_out = out.data();
      stream.avail_out = static_cast<uInt>(out.size());
      deflate(&stream, flush);
      const std::size_t made = out.size() - stream.avail_out;
      member.stored_size += made;
      STATION_CHECK(Write(std::span<const std::uint8_t>(out).first(made)));
    } while (stream.avail_out == 0);
  }
  return {};
}

Status ZipWriter::PatchLocalHeader(const Member& member) {
  const Record crc = Record().U32(member.crc);
  const Record sizes = Record().U64(member.size).U64(member.stored_size);
  const auto put = [this](const Record& record, std::uint64_t offset) {
    const auto& bytes = record.Get();
    return pwrite(file_.Get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(bytes.size());
  };
  if (!put(crc, member.offset + 14) || !put(sizes, member.offset + 30 + member.name.size() + 4))
    return station::FailErrno("patching a member's header", errno);
  return {};
}

Status ZipWriter::Finish() {
  const std::uint64_t start = position_;
  for (const Member& member : members_) {
    Record extra;
    if (member.size >= kTooBig32) extra.U64(member.size);
    if (member.stored_size >= kTooBig32) extra.U64(member.stored_size);
    if (member.offset >= kTooBig32) extra.U64(member.offset);
    const std::size_t extra_size = extra.Get().empty() ? 0 : extra.Get().size() + 4;
    Record entry;
    entry.U32(0x02014B50)
        .U16(kMadeByUnix)
        .U16(kVersionZip64)
        .U16(0)
        .U16(static_cast<std::uint16_t>(member.method));
    entry.U32(kDosDate).U32(member.crc).U32(Capped(member.stored_size)).U32(Capped(member.size));
    entry.U16(member.name.size()).U16(extra_size).U16(0).U16(0).U16(0).U32(kRegularFile0644);
    entry.U32(Capped(member.offset)).Text(member.name);
    if (extra_size != 0) entry.U16(kZip64Extra).U16(extra_size - 4);
    STATION_CHECK(Write(entry.Get()));
    STATION_CHECK(Write(extra.Get()));
  }
  const std::uint64_t size = position_ - start;
  const std::uint64_t count = members_.size();
  Record end;
  if (start >= kTooBig32 || count >= kTooMany16) {
    const std::uint64_t end64 = position_;
    end.U32(0x06064B50).U64(44).U16(kMadeByUnix).U16(kVersionZip64).U32(0).U32(0);
    end.U64(count).U64(count).U64(size).U64(start);
    end.U32(0x07064B50).U32(0).U64(end64).U32(1);
  }
  const std::uint64_t shown = std::min<std::uint64_t>(count, kTooMany16);
  end.U32(0x06054B50)
      .U16(0)
      .U16(0)
      .U16(shown)
      .U16(shown)
      .U32(Capped(size))
      .U32(Capped(start))
      .U16(0);
  return Write(end.Get());
}

}  // namespace rack
