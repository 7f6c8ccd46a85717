#include "station/link/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>

namespace station::link {
namespace {
constexpr std::uint32_t kLongestRecord = 1U << 20U;
}

Result<JournalWriter> JournalWriter::Open(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.Valid()) return FailErrno("opening the journal " + path.string(), errno);
  STATION_CHECK(SyncDirectory(path.has_parent_path() ? path.parent_path() : "."));
  return JournalWriter(std::move(fd));
}

Status JournalWriter::Append(worker::v1::JournalRecord record) {
  using std::chrono::system_clock;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch());
  record.set_unix_milliseconds(now.count());
  const std::string body = record.SerializeAsString();
  const auto size = static_cast<std::uint32_t>(body.size());
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(size >> shift & 0xFFU));
  bytes += body;
  STATION_CHECK(WriteAll(fd_, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
  if (::fdatasync(fd_.Get()) != 0) return FailErrno("syncing the journal", errno);
  return {};
}

Result<std::vector<worker::v1::JournalRecord>> ReadJournal(const std::filesystem::path& path) {
  STATION_TRY(content, ReadFile(path));
  std::vector<worker::v1::JournalRecord> records;
  std::size_t at = 0;
  while (content.size() - at >= 4) {
    std::uint32_t size = 0;
    for (unsigned i = 0; i < 4; ++i) size |= std::uint32_t{static_cast<std::uint8_t>(content[at + i])} << (8 * i);
    at += 4;
    worker::v1::JournalRecord record;
    if (size > kLongestRecord || size > content.size() - at || !record.ParseFromArray(content.data() + at, static_cast<int>(size)))
      break;
    records.push_back(std::move(record));
    at += size;
  }
  return records;
}

}  // namespace station::link
