#include "station/store/reader/firmware_reader.h"

#include <algorithm>

#include "station/base/digest.h"
#include "station/store/reader/index.h"
#include "station/store/reader/inflate.h"
#include "station/store/reader/mapped_file.h"
#include "station/store/reader/verified_file.h"

namespace station::store {
namespace {

using Bytes = std::span<const std::uint8_t>;

Status RequireSize(const Fd& fd, std::uint64_t size, std::string_view what) {
  STATION_TRY(actual, FileSize(fd));
  if (actual == size) return {};
  return Fail(ErrorCode::kFirmwareRotted, std::string(what) + " is " + std::to_string(actual) +
                                              " bytes instead of " + std::to_string(size));
}

// A borrowed descriptor as an Fd for one call.
Status ReadBorrowed(int descriptor, std::uint64_t offset, std::span<std::uint8_t> out) {
  Fd fd(descriptor);
  auto read = ReadAt(fd, offset, out);
  (void)fd.Release();
  if (!read) return Fail(ErrorCode::kFirmwareRotted, std::move(read).error().context);
  return {};
}

}  // namespace

Status Image::ReadVerified(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    return Fail(ErrorCode::kAsrRange, "bytes " + std::to_string(offset) + " to " +
                                          std::to_string(offset + out.size()) + " of an image of " +
                                          std::to_string(size_));
  std::vector<std::uint8_t> partial;
  while (!out.empty()) {
    const std::uint64_t index = offset / kAsrChunk;
    const std::uint64_t begin = index * kAsrChunk;
    const std::uint64_t length = std::min(kAsrChunk, size_ - begin);
    const std::uint64_t part = std::min<std::uint64_t>(out.size(), begin + length - offset);
    const bool whole = part == length;
    if (!whole) partial.resize(length);
    const std::span<std::uint8_t> chunk = whole ? out.first(length) : std::span(partial);
    STATION_CHECK(ReadBorrowed(fd_, offset_ + begin, chunk));
    if (Sha1Of(chunk) != digests_[index])
      return Fail(ErrorCode::kFirmwareRotted,
                  "the image is not as imported near byte " + std::to_string(begin));
    if (!whole) std::ranges::copy(chunk.subspan(offset - begin, part), out.begin());
    out = out.subspan(part);
    offset += part;
  }
  return {};
}

struct FirmwareReader::Impl {
  Impl(MappedFile mapped, const Index& parsed, Fd ipsw_fd, Fd os_fd)
      : index_file(std::move(mapped)),
        index(parsed),
        ipsw(std::move(ipsw_fd), index.IpswSize(), index.IpswChunks()),
        os_image(std::move(os_fd)) {}

  Result<IndexedMember> Require(std::string_view name) const {
    if (auto member = index.Find(name)) return *member;
    return Fail(ErrorCode::kFirmwareMemberMissing, "no member \"" + std::string(name) + "\"");
  }

  Status Visit(const IndexedMember& member, const Inflater::Sink& visit) const {
    if (member.method == firmware::ZipMethod::kStored)
      return ipsw.Visit(member.data_offset, member.size, visit);
    Inflater inflater(member.size, member.crc32);
    STATION_CHECK(ipsw.Visit(member.data_offset, member.compressed_size,
                             [&](Bytes bytes) { return inflater.Feed(bytes, visit); }));
    return inflater.Finish();
  }

  MappedFile index_file;
  Index index;  // borrows from index_file
  VerifiedFile ipsw;
  Fd os_image;
};

Result<FirmwareReader> FirmwareReader::Open(Fd ipsw, Fd index, std::optional<Fd> os_image) {
  STATION_TRY(mapped, MappedFile::Map(index));
  STATION_TRY(parsed, Index::Parse(mapped.Bytes()));
  STATION_CHECK(RequireSize(ipsw, parsed.IpswSize(), "the IPSW"));
  if (parsed.OsImageSize() > 0) {
    if (!os_image) return Fail(ErrorCode::kFirmwareRotted, "the inflated OS image is missing");
    STATION_CHECK(RequireSize(*os_image, parsed.OsImageSize(), "the inflated OS image"));
  }
  return FirmwareReader(std::make_unique<Impl>(std::move(mapped), parsed, std::move(ipsw),
                                               os_image ? std::move(*os_image) : Fd()));
}

FirmwareReader::FirmwareReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FirmwareReader::FirmwareReader(FirmwareReader&&) noexcept = default;
FirmwareReader& FirmwareReader::operator=(FirmwareReader&&) noexcept = default;
FirmwareReader::~FirmwareReader() = default;

bool FirmwareReader::Has(std::string_view member) const {
  return impl_->index.Find(member).has_value();
}

Result<std::uint64_t> FirmwareReader::SizeOf(std::string_view member) const {
  STATION_TRY(found, impl_->Require(member));
  return found.size;
}

std::vector<std::string> FirmwareReader::Members() const {
  std::vector<std::string> names;
  names.reserve(impl_->index.MemberCount());
  for (std::size_t i = 0; i < impl_->index.MemberCount(); ++i)
    names.emplace_back(impl_->index.Member(i).name);
  return names;
}

Result<std::vector<std::uint8_t>> FirmwareReader::Read(std::string_view member,
                                                       std::uint64_t limit) const {
  STATION_TRY(found, impl_->Require(member));
  const std::string doing = "reading " + std::string(member);
  if (found.size > limit)
    return Fail(ErrorCode::kFirmwareMalformed, doing + ": " + std::to_string(found.size) +
                                                   " bytes are more than the " +
                                                   std::to_string(limit) + " expected");
  std::vector<std::uint8_t> bytes;
  bytes.reserve(found.size);
  auto read = impl_->Visit(found, [&](Bytes piece) -> Status {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  });
  if (!read) return Fail(std::move(read).error(), doing);
  return bytes;
}

Status FirmwareReader::Visit(std::string_view member,
                             const std::function<Status(Bytes)>& visit) const {
  STATION_TRY(found, impl_->Require(member));
  return impl_->Visit(found, visit);
}

Result<Image> FirmwareReader::OpenImage(std::string_view member) const {
  STATION_TRY(found, impl_->Require(member));
  if (!found.is_image)
    return Fail(ErrorCode::kFirmwareUnsupported,
                std::string(member) + " was not imported as an image");
  const bool stored = found.method == firmware::ZipMethod::kStored;
  Image image;
  image.fd_ = stored ? impl_->ipsw.File().Get() : impl_->os_image.Get();
  image.offset_ = found.image_offset;
  image.size_ = found.size;
  image.digests_ = found.asr_digests;
  return image;
}

}  // namespace station::store
