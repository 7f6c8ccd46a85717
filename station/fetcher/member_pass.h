#pragma once
// Looks at every member of an IPSW while its bytes pass by in order: checks each CRC-32, takes the
// ASR digests of what may be streamed to a phone, and inflates the OS images that are deflated.

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/fetcher/chunk_digests.h"
#include "station/fetcher/os_image_file.h"
#include "station/firmware/zip_directory.h"
#include "station/store/reader/index.h"
#include "station/store/reader/inflate.h"

namespace station::fetcher {

class MemberPass {
 public:
  static constexpr std::uint64_t kBigMember =
      16U << 20U;  // stored members from here on get ASR digests
  static constexpr std::uint64_t kLargestOsImage = 64ULL << 30U;

  // Borrows everything.
  MemberPass(std::span<const firmware::ZipMember> members, const std::set<std::string>& os_paths,
             OsImageFile& os_images);
  // The file's next bytes, which begin at `offset`. kFirmwareMalformed, or what writing an OS image
  // met.
  [[nodiscard]] Status Consume(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  // After the last byte: every member, with what was found. The pass is over then.
  [[nodiscard]] Result<std::vector<store::IndexContent::Member>> Finish();

 private:
  // The member whose bytes pass by.
  struct Current {
    std::uint32_t crc32 = 0;
    std::optional<store::Inflater> inflater;
    std::optional<Sha1Chunks> asr;
    std::uint64_t image_offset = 0;
  };
  [[nodiscard]] Status Begin(const firmware::ZipMember& member);
  [[nodiscard]] Status Feed(std::span<const std::uint8_t> bytes);
  [[nodiscard]] Status End(const firmware::ZipMember& member);

  std::span<const firmware::ZipMember> members_;
  const std::set<std::string>& os_paths_;
  OsImageFile& os_images_;
  std::optional<Current> current_;
  std::vector<store::IndexContent::Member> done_;
};

}  // namespace station::fetcher
