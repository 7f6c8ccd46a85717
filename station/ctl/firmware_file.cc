#include "station/ctl/firmware_file.h"

#include <array>
#include <string_view>
#include <vector>

#include "station/base/fd.h"
#include "station/store/reader/inflate.h"

namespace station::ctl {
namespace {

constexpr std::uint64_t kLargestManifest = 64U << 20U;

Result<std::vector<std::uint8_t>> ReadMember(const firmware::ByteSource& archive,
                                             const firmware::ZipMember& member) {
  if (member.size > kLargestManifest || member.compressed_size > kLargestManifest)
    return Fail(ErrorCode::kFirmwareMalformed, member.name + " is too large");
  std::vector<std::uint8_t> stored(member.compressed_size);
  STATION_CHECK(archive.ReadAt(member.data_offset, stored));
  if (member.method == firmware::ZipMethod::kStored) return stored;
  std::vector<std::uint8_t> bytes;
  store::Inflater inflater(member.size, member.crc32);
  STATION_CHECK(inflater.Feed(stored, [&](std::span<const std::uint8_t> piece) -> Status {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  }));
  STATION_CHECK(inflater.Finish());
  return bytes;
}

Result<FirmwareFile> ReadArchive(const Fd& fd, std::uint64_t size) {
  const firmware::FileSource source(fd, size);
  STATION_TRY(members, firmware::ZipDirectory::Read(source));
  const firmware::ZipMember* manifest_member = members.Find("BuildManifest.plist");
  if (manifest_member == nullptr)
    return Fail(ErrorCode::kFirmwareMalformed, "the archive has no BuildManifest.plist");
  STATION_TRY(bytes, ReadMember(source, *manifest_member));
  STATION_TRY(manifest, firmware::BuildManifest::Parse(bytes));
  return FirmwareFile{std::move(manifest), std::move(members), size};
}

}  // namespace

Result<FirmwareFile> ReadFirmwareFile(const std::filesystem::path& path) {
  auto fd = OpenForReading(path);
  if (!fd) return Fail(ErrorCode::kFirmwareUnreadable, fd.error().context);
  STATION_TRY(size, FileSize(*fd));
  std::array<std::uint8_t, 2> start{};
  if (size >= start.size()) STATION_CHECK(ReadAt(*fd, 0, start));
  if (start[0] == 'P' && start[1] == 'K') return ReadArchive(*fd, size);
  if (size > kLargestManifest)
    return Fail(ErrorCode::kFirmwareMalformed, "neither an IPSW nor a build manifest");
  std::vector<std::uint8_t> bytes(size);
  STATION_CHECK(ReadAt(*fd, 0, bytes));
  STATION_TRY(manifest, firmware::BuildManifest::Parse(bytes));
  return FirmwareFile{std::move(manifest), std::nullopt, size};
}

}  // namespace station::ctl
