#include "station/store/reader/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>

namespace station::store {

Result<MappedFile> MappedFile::Map(const Fd& fd) {
  STATION_TRY(size, FileSize(fd));
  MappedFile file;
  if (size == 0) return file;
  void* bytes = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.Get(), 0);
  if (bytes == MAP_FAILED) return FailErrno("mapping a file", errno);
  file.bytes_ = {static_cast<const std::uint8_t*>(bytes), size};
  return file;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

}  // namespace station::store
