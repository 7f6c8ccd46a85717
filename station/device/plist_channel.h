#pragma once
// Property lists over a connection: u32 big-endian length and the list, as lockdownd and restored
// speak.

#include <chrono>

#include "station/base/byte_source.h"
#include "station/device/connection.h"
#include "station/plist/plist.h"

namespace station::device {

class PlistChannel {
 public:
  explicit PlistChannel(Connection connection) : connection_(std::move(connection)) {}
  [[nodiscard]] Status Send(const plist::Plist& message, JobControl& control);
  // A message that is written already, XML or binary, passed on in pieces.
  [[nodiscard]] Status SendWritten(const ByteSource& message, JobControl& control);
  // kDeviceSilent when nothing begins within `timeout`; kRestoreDialogue for what is no property
  // list or over 64 MiB.
  [[nodiscard]] Result<plist::Plist> Receive(std::chrono::milliseconds timeout,
                                             JobControl& control);
  // Send, then Receive.
  [[nodiscard]] Result<plist::Plist> Ask(const plist::Plist& message,
                                         std::chrono::milliseconds timeout, JobControl& control);

 private:
  [[nodiscard]] Status ShowWritten(const ByteSource& message);
  [[nodiscard]] Status SendPieces(const ByteSource& message, JobControl& control);
  Connection connection_;
};

}  // namespace station::device
