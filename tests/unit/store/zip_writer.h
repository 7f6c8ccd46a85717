#pragma once
// A small zip writer that also says where everything came to lie, so that a test can make any part
// of it a lie.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace station::testing {

struct ZipPart {
  std::string name = {};
  std::string content = {};
  bool deflate = false;
  bool zip64 = false;     // sizes and offset in the zip64 extra fields
  bool streamed = false;  // sizes after the data, as a writer does that cannot seek
  std::uint32_t unix_mode = 0100644;
};

struct ZipForm {
  bool zip64_end = false;
  std::string comment = {};
};

struct Archive {
  std::string bytes;
  std::vector<std::size_t> local;    // offsets of the local headers
  std::vector<std::size_t> data;     // of the members' bytes
  std::vector<std::size_t> central;  // of the directory's entries
  std::size_t end64 = 0;
  std::size_t locator64 = 0;
  std::size_t end = 0;

  void Put16(std::size_t at, std::uint16_t value) { Put(at, value, 2); }
  void Put32(std::size_t at, std::uint32_t value) { Put(at, value, 4); }
  void Put64(std::size_t at, std::uint64_t value) { Put(at, value, 8); }
  // The same in both headers of a member; offsets within the local and the central one.
  void PutBoth16(std::size_t member, std::size_t in_local, std::uint16_t value);
  void PutBoth32(std::size_t member, std::size_t in_local, std::uint32_t value);
  void Rename(std::size_t member, const std::string& name);  // of the same length
  [[nodiscard]] std::span<const std::uint8_t> Span() const {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  }

 private:
  void Put(std::size_t at, std::uint64_t value, int size);
};

[[nodiscard]] Archive MakeZip(const std::vector<ZipPart>& parts, const ZipForm& form = {});
// Raw deflate.
[[nodiscard]] std::string Deflate(const std::string& content);
// `size` bytes that do not repeat (and so hardly deflate), the same for the same seed.
[[nodiscard]] std::string Noise(std::size_t size, std::uint64_t seed);

}  // namespace station::testing
