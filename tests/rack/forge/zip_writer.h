#pragma once
// Writes a zip as IPSWs are: stored or deflated members, zip64 where a size needs it, UNIX
// attributes. Streams; nothing is held but the table of members. Long runs of zeros in a stored
// member become holes of the file.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace rack {

class ZipWriter {
 public:
  enum class Method : std::uint16_t { kStored = 0, kDeflated = 8 };
  // Gives the next piece into the buffer, returns its size; 0 ends the member.
  using Source = std::function<std::size_t(std::span<std::uint8_t>)>;

  [[nodiscard]] static station::Result<ZipWriter> Create(const std::string& path);
  [[nodiscard]] station::Status Add(const std::string& name, Method method, const Source& source);
  [[nodiscard]] station::Status Add(const std::string& name, Method method,
                                    std::span<const std::uint8_t> bytes);
  // The central directory; nothing may be added afterwards.
  [[nodiscard]] station::Status Finish();

 private:
  struct Member {
    std::string name;
    Method method = Method::kStored;
    std::uint32_t crc = 0;
    std::uint64_t size = 0;
    std::uint64_t stored_size = 0;
    std::uint64_t offset = 0;
  };

  explicit ZipWriter(station::Fd file) : file_(std::move(file)) {}
  [[nodiscard]] station::Status Write(std::span<const std::uint8_t> bytes);
  [[nodiscard]] station::Status SkipZeros(std::size_t size);
  [[nodiscard]] station::Status WriteMemberPiece(std::span<const std::uint8_t> bytes,
                                                 Member& member);
  [[nodiscard]] station::Status WriteStored(const Source& source, Member& member);
  [[nodiscard]] station::Status WriteDeflated(const Source& source, Member& member);
  [[nodiscard]] station::Status PatchLocalHeader(const Member& member);

  station::Fd file_;
  std::uint64_t position_ = 0;
  std::vector<Member> members_;
};

}  // namespace rack
