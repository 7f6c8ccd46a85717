#include "station/restore/image_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace station::restore {
namespace {

// Room for the pages of some chunks. What an unprivileged user may ask for; with less, as where
// many pipes are open already, it is only passed on more often.
constexpr int kPipeBytes = 1 << 20;

Status Unreadable(std::uint64_t offset) {
  return Fail(ErrorCode::kFirmwareRotted,
              "the stored image cannot be read near byte " + std::to_string(offset));
}

Status Broken(int error_number) {
  return Fail(ErrorCode::kAsrTransfer,
              std::string("sending the system image: ") + std::strerror(error_number));
}

}  // namespace

Result<ImagePipe> ImagePipe::Open(device::Connection& connection, std::chrono::milliseconds stall) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return FailErrno("opening a pipe for the system image", errno);
  ImagePipe pipe(connection, stall, Fd(ends[0]), Fd(ends[1]));
  (void)::fcntl(pipe.in_.Get(), F_SETPIPE_SZ, kPipeBytes);
  return pipe;
}

Status ImagePipe::AddFile(int file, std::uint64_t offset, std::uint64_t size, JobControl& control) {
  auto at = static_cast<loff_t>(offset);
  while (size > 0) {
    const ssize_t moved = ::splice(file, &at, in_.Get(), nullptr, size, SPLICE_F_MORE);
    if (moved > 0) {
      held_ += static_cast<std::size_t>(moved);
      size -= static_cast<std::uint64_t>(moved);
    } else if (moved == 0) {
      return Fail(ErrorCode::kFirmwareRotted, "the stored image is shorter than it was");
    } else if (errno == EIO) {
      return Unreadable(static_cast<std::uint64_t>(at));
    } else {
      STATION_CHECK(MakeRoom(errno, control));
    }
  }
  return {};
}

Status ImagePipe::Add(std::span<const std::uint8_t> bytes, JobControl& control) {
  while (!bytes.empty()) {
    const ssize_t moved = ::write(in_.Get(), bytes.data(), bytes.size());
    if (moved < 0) {
      STATION_CHECK(MakeRoom(errno, control));
      continue;
    }
    held_ += static_cast<std::size_t>(moved);
    bytes = bytes.subspan(static_cast<std::size_t>(moved));
  }
  return {};
}

Status ImagePipe::MakeRoom(int error_number, JobControl& control) {
  if (error_number == EINTR) return {};
  if (error_number == EAGAIN && held_ > 0) return Flush(control);
  return Broken(error_number);
}

Status ImagePipe::Flush(JobControl& control) {
  while (held_ > 0) {
    const ssize_t moved =
        ::splice(out_.Get(), nullptr, connection_->Descriptor(), nullptr, held_, 0);
    if (moved > 0) {
      held_ -= static_cast<std::size_t>(moved);
    } else if (moved < 0 && errno == EAGAIN) {
      STATION_CHECK(connection_->WaitWritable(stall_, control));
    } else if (moved < 0 && (errno == EIO || errno == ENODATA)) {
      // A page left the cache, or its file, after it was laid in.
      return Fail(ErrorCode::kFirmwareRotted, "the stored image cannot be read any more");
    } else if (moved == 0 || errno != EINTR) {
      return Broken(moved == 0 ? EPIPE : errno);
    }
  }
  return {};
}

}  // namespace station::restore
