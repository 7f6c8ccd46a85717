#pragma once
// Where the members of an IPSW lie: the central directory of a zip (also zip64), read by ranges and
// believed only where it is sound. A directory that could be read in two ways is refused.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace station::firmware {

// Bytes that can be read anywhere.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual std::uint64_t Size() const = 0;
  // Exactly out.size() bytes, or an error.
  [[nodiscard]] virtual Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

// The first `size` bytes of a file; borrows the descriptor.
class FileSource : public ByteSource {
 public:
  FileSource(const Fd& fd, std::uint64_t size) : fd_(fd), size_(size) {}
  [[nodiscard]] std::uint64_t Size() const override { return size_; }
  [[nodiscard]] Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
  const Fd& fd_;
  std::uint64_t size_;
};

// Borrows the bytes.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t Size() const override { return bytes_.size(); }
  [[nodiscard]] Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
  std::span<const std::uint8_t> bytes_;
};

enum class ZipMethod : std::uint16_t { kStored = 0, kDeflated = 8 };

struct ZipMember {
  std::string name;
  std::uint64_t data_offset = 0;  // of the first byte after the local header
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  ZipMethod method = ZipMethod::kStored;
  std::uint32_t crc32 = 0;      // of the uncompressed bytes
  std::uint32_t unix_mode = 0;  // 0 when the archive was not made on Unix
  friend bool operator==(const ZipMember&, const ZipMember&) = default;
};

class ZipDirectory {
 public:
  static constexpr std::size_t kMostMembers = 100'000;
  static constexpr std::uint64_t kLargestDirectory = 64U << 20U;  // bytes

  // kFirmwareMalformed for anything but a plain, unambiguous, complete archive; the source's error
  // when it fails.
  [[nodiscard]] static Result<ZipDirectory> Read(const ByteSource& source);

  // In the order of their data.
  [[nodiscard]] std::span<const ZipMember> Members() const { return members_; }
  // nullptr when there is none.
  [[nodiscard]] const ZipMember* Find(std::string_view name) const;
  friend bool operator==(const ZipDirectory&, const ZipDirectory&) = default;

 private:
  std::vector<ZipMember> members_;
  std::vector<std::uint32_t> by_name_;  // indices into members_
};

}  // namespace station::firmware
