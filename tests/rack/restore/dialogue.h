#pragma once
// The working connection of a restore: the phone tells, asks for data, and is answered there or, by
// a current host, on a port that the request names.

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <future>
#include <mutex>
#include <span>
#include <string>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/model/refusal.h"
#include "tests/rack/wire/stream.h"

namespace rack {

// What the host said it understands, from RestoreOptions. Hosts of the 1.0.0 class announce nothing
// and get only what they answer. Whether a name is there is what counts, not whether it is true
// (reference 6.4).
struct HostAbilities {
  bool modern = false;  // SupportedMessageTypes was present
  Value data_types;     // SupportedDataTypes
  Value message_types;  // SupportedMessageTypes
  Value async_types;    // SupportedAsyncDataTypes
  [[nodiscard]] bool Data(std::string_view type) const {
    return modern && data_types.Find(type) != nullptr;
  }
  [[nodiscard]] bool Message(std::string_view type) const {
    return modern && message_types.Find(type) != nullptr;
  }
  [[nodiscard]] bool Async(std::string_view type) const {
    return modern && async_types.Find(type) != nullptr && Message("AsyncDataRequestMsg");
  }
  // Announced in one way or another, or one of the nine types that old hosts answer.
  [[nodiscard]] bool Answers(std::string_view type) const;
};
[[nodiscard]] HostAbilities AbilitiesFrom(const Value& start_restore);

// A mark in the restore's course, as hosts log it.
struct Checkpoint {
  std::uint32_t id = 0;  // messages carry the low 16 bits; 0: none
  const char* name = "";
};

class Dialogue {
 public:
  using Answer = std::expected<Value, Refusal>;
  // Takes the next piece of a streamed file; the connection is there for what has to be said in
  // between.
  using TakePiece =
      std::function<std::expected<void, Refusal>(std::span<const std::uint8_t>, Stream&)>;

  // A phone whose cart says so names a port in every request to a current host; others only for
  // what streams or goes on beside other work, as was seen of phones (reference 6.10).
  Dialogue(const Phone& phone, Stream& stream, Attachment& attachment, HostAbilities host)
      : phone_(phone), stream_(stream), attachment_(attachment), host_(std::move(host)) {}

  [[nodiscard]] const HostAbilities& Host() const { return host_; }
  // -1 percent: it goes on, nobody knows how far. `context` names asynchronous work.
  void Progress(int operation, int percent, const std::string& context = "");
  // Only to hosts that know the message; nothing for no checkpoint.
  void Begin(const Checkpoint& checkpoint);
  void Complete(const Checkpoint& checkpoint);
  void FailAt(const Checkpoint& checkpoint, std::int64_t result, const std::string& error);
  // Asks and waits for the answer.
  [[nodiscard]] Answer Request(const std::string& data_type, Value arguments = {});
  // Asks, and goes on while the answer is under way. Hosts that do not know asynchronous requests
  // are asked the plain way, and the answer is there when this returns.
  [[nodiscard]] std::future<Answer> RequestAsync(
      const std::string& data_type, Value arguments = {},
      std::chrono::milliseconds connect_patience = std::chrono::seconds(30));
  // A file that comes as FileData messages, on a port of its own.
  [[nodiscard]] std::expected<void, Refusal> RequestFile(const std::string& data_type,
                                                         Value arguments, const TakePiece& take);
  // The raw bytes a host sends on a port of its own until it closes.
  [[nodiscard]] std::expected<void, Refusal> RequestRaw(const std::string& data_type,
                                                        Value arguments, const TakePiece& take);
  // A question outside the data requests; the answer comes on the working connection.
  [[nodiscard]] Answer Ask(const std::string& message_type);
  // Asks for what is answered on `port` by other means than a message; 0: where it always is.
  // `fields` stand beside the data type.
  [[nodiscard]] bool Announce(const std::string& data_type, Value arguments, std::uint16_t port,
                              bool async, const Value& fields = {});
  // A port that is open and that no request has named yet; ReadAnswerAt closes it.
  [[nodiscard]] std::uint16_t OpenDataPort();
  [[nodiscard]] Answer ReadAnswerAt(std::uint16_t port, const std::string& what,
                                    std::chrono::milliseconds connect_patience) const;
  // Any other message; false when the host is gone.
  bool Tell(const Value& message);
  void FinalStatus(std::int64_t status, const std::string& log);
  // Waits for ReceivedFinalStatusMsg; false when the host went without it.
  [[nodiscard]] bool AwaitFinalAnswer();
  // Ends the connection in the middle of everything.
  void Break() { stream_.Shutdown(); }
  [[nodiscard]] bool HostIsGone() const { return stream_.IsOver(); }

 private:
  void ShowCheckpoint(const Checkpoint& checkpoint, bool complete, std::int64_t result,
                      const std::string& error);
  [[nodiscard]] Answer ReadAnswer(Stream& stream, const std::string& what) const;
  // Its messages are recorded unless they are pieces of a file, which is recorded as a whole.
  [[nodiscard]] std::shared_ptr<Stream> TakeConnection(std::uint16_t port,
                                                       std::chrono::milliseconds connect_patience,
                                                       bool recorded = true) const;

  const Phone& phone_;
  Stream& stream_;
  Attachment& attachment_;
  const HostAbilities host_;
  std::mutex mutex_;  // below; and one message at a time
  std::uint16_t next_port_ = kFirstDataPort;

  static constexpr std::uint16_t kFirstDataPort = 50000;
};

}  // namespace rack
