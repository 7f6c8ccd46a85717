#pragma once
// Where the answer to a data request goes: the main connection, or one of its own.

#include <chrono>

#include "station/base/byte_source.h"
#include "station/base/result.h"
#include "station/plist/plist.h"

namespace station::restore {

class AnswerChannel {
 public:
  virtual ~AnswerChannel() = default;
  [[nodiscard]] virtual Status Send(const plist::Plist& answer) = 0;
  // A whole message that is written already, XML or binary, passed on in pieces.
  [[nodiscard]] virtual Status SendWritten(const ByteSource& message) = 0;
  // The phone's next word on this connection; kDeviceSilent when there is none in time.
  [[nodiscard]] virtual Result<plist::Plist> Receive(std::chrono::milliseconds timeout) = 0;
  // A word that was not for the one who received it: the dialogue will read it, where it reads this
  // connection.
  virtual void Unread(plist::Plist message) = 0;
  // False on the main connection, whose messages are XML.
  [[nodiscard]] virtual bool IsDataPort() const = 0;
};

}  // namespace station::restore
