#include "station/fetcher/file_feed.h"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace station::fetcher {
namespace {

std::unexpected<Error> Changed(std::string how) {
  return Fail(ErrorCode::kFirmwareUnreadable,
              "the source " + std::move(how) + " while it was read");
}

// Fills `out`; a shorter answer means the end of the file.
Result<std::size_t> ReadSource(const Fd& source, std::uint64_t offset,
                               std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(source.Get(), out.data() + done, out.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Fail(ErrorCode::kFirmwareUnreadable,
                  FailErrno("reading the source", errno).error().context);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace

Status FileFeed::Next(std::span<std::uint8_t> out) {
  STATION_TRY(n, ReadSource(source_, offset_, out));
  if (n < out.size()) return Changed("shrank");
  STATION_CHECK(copy_.Append(out));
  offset_ += n;
  return {};
}

Status FileFeed::End() {
  std::array<std::uint8_t, 1> more{};
  STATION_TRY(n, ReadSource(source_, Size(), more));
  if (n != 0) return Changed("grew");
  return {};
}

}  // namespace station::fetcher
