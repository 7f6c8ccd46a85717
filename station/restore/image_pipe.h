#pragma once
// The way of an OS image into the phone's connection: pages of the page cache, and the digests
// between them, gather in a pipe and pass on together. Nothing is copied, and the socket is
// called half as often as by sendfile, which ends with each chunk.

#include <cstdint>
#include <span>

#include "station/base/fd.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/connection.h"

namespace station::restore {

class ImagePipe {
 public:
  // `connection` is borrowed, its descriptor does not block. kIo when there is no pipe to be had.
  [[nodiscard]] static Result<ImagePipe> Open(device::Connection& connection,
                                              std::chrono::milliseconds stall);

  // `size` bytes of the file from `offset` on. Passes on what it holds when it is full.
  // kFirmwareRotted where the file is shorter or cannot be read, else as Flush.
  [[nodiscard]] Status AddFile(int file, std::uint64_t offset, std::uint64_t size,
                               JobControl& control);
  // A copy of some bytes.
  [[nodiscard]] Status Add(std::span<const std::uint8_t> bytes, JobControl& control);
  // All it holds into the connection; kDeviceSilent when the phone takes nothing for `stall`,
  // kAsrTransfer when the connection broke, or the control's reason.
  [[nodiscard]] Status Flush(JobControl& control);

 private:
  ImagePipe(device::Connection& connection, std::chrono::milliseconds stall, Fd out, Fd in)
      : connection_(&connection), stall_(stall), out_(std::move(out)), in_(std::move(in)) {}
  // After a call that moved nothing: whether it is worth another.
  [[nodiscard]] Status MakeRoom(int error_number, JobControl& control);

  device::Connection* connection_;
  std::chrono::milliseconds stall_;
  Fd out_;
  Fd in_;
  std::size_t held_ = 0;  // bytes in the pipe
};

}  // namespace station::restore
