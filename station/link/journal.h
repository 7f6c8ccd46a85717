#pragma once
// A worker's own fsynced record of its job, so that a daemon (or a host) that went down learns how far it came.

#include <filesystem>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "worker/v1/worker.pb.h"

namespace station::link {

class JournalWriter {
 public:
  // Appends to `path`, making it when absent (mode 0600).
  [[nodiscard]] static Result<JournalWriter> Open(const std::filesystem::path& path);
  // Stamps the record with the wall clock and returns when it is on disk.
  [[nodiscard]] Status Append(worker::v1::JournalRecord record);

 private:
  explicit JournalWriter(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Every whole record; a torn last one (power loss) is left out. kIo when the file cannot be read.
[[nodiscard]] Result<std::vector<worker::v1::JournalRecord>> ReadJournal(const std::filesystem::path& path);

}  // namespace station::link
