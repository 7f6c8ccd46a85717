#pragma once
// The index of a stored firmware: where its members lie and the digests they were imported with.
// The layout is in store/README.md; what is read is checked whole before any of it is believed.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/firmware/zip_directory.h"

namespace station::store {

inline constexpr std::uint64_t kIndexChunk = 1U << 20U;  // bytes of a file per SHA-256

// What an import found out, to be written.
struct IndexContent {
  struct Member {
    firmware::ZipMember zip;
    // One SHA-1 per kAsrChunk bytes, for members that can be opened as an image.
    std::optional<std::vector<Sha1Digest>> asr_digests;
    std::uint64_t image_offset = 0;  // in os.img, of a deflated one of those
  };
  std::uint64_t ipsw_size = 0;
  Sha256Digest ipsw_sha256{};
  std::vector<Sha256Digest> ipsw_chunks;
  std::uint64_t os_image_size = 0;  // of os.img; 0: there is none
  std::vector<Sha256Digest> os_image_chunks;
  std::vector<Member> members;
};
[[nodiscard]] std::string FormatIndex(const IndexContent& content);

struct IndexedMember {
  std::string_view name;
  std::uint64_t data_offset = 0;  // in the IPSW
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  firmware::ZipMethod method = firmware::ZipMethod::kStored;
  std::uint32_t crc32 = 0;
  std::uint32_t unix_mode = 0;
  bool is_image = false;           // has ASR digests
  std::uint64_t image_offset = 0;  // in the IPSW when stored, in os.img when deflated
  std::span<const Sha1Digest> asr_digests;
};

// A checked view; borrows the bytes.
class Index {
 public:
  // kFirmwareRotted unless every field is in bounds and the digest at the end is right;
  // kFirmwareUnsupported for a layout of another version.
  [[nodiscard]] static Result<Index> Parse(std::span<const std::uint8_t> bytes);

  [[nodiscard]] std::uint64_t IpswSize() const { return ipsw_size_; }
  [[nodiscard]] const Sha256Digest& IpswSha256() const { return ipsw_sha256_; }
  [[nodiscard]] std::span<const Sha256Digest> IpswChunks() const { return ipsw_chunks_; }
  [[nodiscard]] std::uint64_t OsImageSize() const { return os_image_size_; }
  [[nodiscard]] std::span<const Sha256Digest> OsImageChunks() const { return os_image_chunks_; }
  [[nodiscard]] std::size_t MemberCount() const { return member_count_; }
  [[nodiscard]] IndexedMember Member(std::size_t i) const;  // in the order of names
  [[nodiscard]] std::optional<IndexedMember> Find(std::string_view name) const;

 private:
  [[nodiscard]] Status CheckMembers() const;
  [[nodiscard]] bool InBounds(std::size_t i) const;

  std::uint64_t ipsw_size_ = 0;
  std::uint64_t os_image_size_ = 0;
  std::size_t member_count_ = 0;
  Sha256Digest ipsw_sha256_{};
  std::span<const Sha256Digest> ipsw_chunks_;
  std::span<const Sha256Digest> os_image_chunks_;
  std::span<const Sha1Digest> asr_digests_;
  std::span<const std::uint8_t> members_;
  std::span<const std::uint8_t> names_;
};

}  // namespace station::store
