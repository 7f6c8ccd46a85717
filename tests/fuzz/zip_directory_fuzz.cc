// The zip directory from hostile bytes: whatever is accepted lies within the file and does not
// overlap.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "station/firmware/zip_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const station::firmware::MemorySource source({data, size});
  const auto directory = station::firmware::ZipDirectory::Read(source);
  if (!directory) return 0;
  std::uint64_t end = 0;
  for (const auto& member : directory->Members()) {
    if (member.data_offset < end || member.data_offset > size ||
        member.compressed_size > size - member.data_offset)
      std::abort();
    end = member.data_offset + member.compressed_size;
    if (directory->Find(member.name) != &member) std::abort();
  }
  return 0;
}
