#pragma once
// A stored firmware, read through descriptors: members of the IPSW as verified bytes, OS images by
// range.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::store {

inline constexpr std::uint64_t kAsrChunk = 131072;  // bytes per ASR checksum (restore-protocol 7)

// One OS image as it goes to a phone: a byte range of an open file, and ASR's digests of it.
// Borrows from FirmwareReader.
class Image {
 public:
  [[nodiscard]] std::uint64_t Size() const { return size_; }
  // The file and where the image begins in it, for sendfile. What is read here is NOT verified.
  [[nodiscard]] int Descriptor() const { return fd_; }
  [[nodiscard]] std::uint64_t Offset() const { return offset_; }
  // One SHA-1 per kAsrChunk bytes, the last chunk may be short.
  [[nodiscard]] std::span<const Sha1Digest> AsrDigests() const { return digests_; }
  // Exactly out.size() bytes at `offset` of the image, checked against the import's digests.
  // kAsrRange beyond the end, kFirmwareRotted when the bytes are not those imported.
  [[nodiscard]] Status ReadVerified(std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  friend class FirmwareReader;
  int fd_ = -1;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  std::span<const Sha1Digest> digests_;
};

class FirmwareReader {
 public:
  // The descriptors of an entry (see store/README.md); the index is checked whole before anything
  // is believed.
  [[nodiscard]] static Result<FirmwareReader> Open(Fd ipsw, Fd index, std::optional<Fd> os_image);
  FirmwareReader(FirmwareReader&&) noexcept;
  FirmwareReader& operator=(FirmwareReader&&) noexcept;
  ~FirmwareReader();

  [[nodiscard]] bool Has(std::string_view member) const;
  // Uncompressed size in bytes; kFirmwareMemberMissing.
  [[nodiscard]] Result<std::uint64_t> SizeOf(std::string_view member) const;
  [[nodiscard]] std::vector<std::string> Members() const;
  // The whole member, inflated if need be, verified against the import's digests.
  // kFirmwareMemberMissing, kFirmwareRotted, kFirmwareMalformed (longer than `limit`, broken
  // deflate).
  [[nodiscard]] Result<std::vector<std::uint8_t>> Read(std::string_view member,
                                                       std::uint64_t limit = 1U << 30U) const;
  // The same in pieces, in order, never whole in memory; an error of `visit` is passed on.
  [[nodiscard]] Status Visit(
      std::string_view member,
      const std::function<Status(std::span<const std::uint8_t>)>& visit) const;
  // A stored member with ASR digests, or the inflated OS image. kFirmwareUnsupported for any other.
  [[nodiscard]] Result<Image> OpenImage(std::string_view member) const;

 private:
  struct Impl;
  explicit FirmwareReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace station::store
