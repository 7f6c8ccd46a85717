#pragma once
// The working connection of a restore: the phone tells, asks for data, and is answered there or, by
// a current host, on a port that the request names.

#include <cstdint>
#include <expected>
#include <future>
#include <string>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/refusal.h"
#include "tests/rack/wire/stream.h"

namespace rack {

// What the host said it understands, from RestoreOptions. Hosts of the 1.0.0 class announce nothing
// and get only what they answer.
struct HostAbilities {
  bool modern = false;  // SupportedMessageTypes was present
  Value data_types;     // SupportedDataTypes
  Value message_types;  // SupportedMessageTypes
  [[nodiscard]] bool Data(std::string_view type) const {
    return modern && data_types.Find(type) != nullptr;
  }
  [[nodiscard]] bool Message(std::string_view type) const {
    return modern && message_types.Find(type) != nullptr;
  }
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

  Dialogue(Stream& stream, Attachment& attachment, HostAbilities host)
      : stream_(stream), attachment_(attachment), host_(std::move(host)) {}

  [[nodiscard]] const HostAbilities& Host() const { return host_; }
  void Progress(int operation, int percent);
  // Only to hosts that know the message; nothing for no checkpoint.
  void Begin(const Checkpoint& checkpoint);
  void Complete(const Checkpoint& checkpoint);
  void FailAt(const Checkpoint& checkpoint, const Refusal& refusal);
  // Asks and waits for the answer; from a current host on a port of its own.
  [[nodiscard]] Answer Request(const std::string& data_type, Value arguments = {});
  // Asks, and goes on while the answer is under way. Hosts that do not know asynchronous requests
  // are asked the plain way, and the answer is there when this returns.
  [[nodiscard]] std::future<Answer> RequestAsync(const std::string& data_type,
                                                 Value arguments = {});
  // Asks for what is answered elsewhere.
  [[nodiscard]] bool Announce(const std::string& data_type, Value arguments = {});
  // Any other message; false when the host is gone.
  bool Tell(const Value& message) { return WriteFrame(stream_, message); }
  void FinalStatus(std::uint64_t status, std::uint64_t amr_error, const std::string& log);
  // Waits for ReceivedFinalStatusMsg; false when the host went without it.
  [[nodiscard]] bool AwaitFinalAnswer();

 private:
  void ShowCheckpoint(const Checkpoint& checkpoint, bool complete, const Refusal* refusal);
  [[nodiscard]] Answer ReadAnswer(Stream& stream, const std::string& data_type) const;
  // Takes the connection a host makes to `port` and reads the answer there; closes the port.
  [[nodiscard]] Answer ReadAnswerAt(std::uint16_t port, const std::string& data_type) const;
  [[nodiscard]] std::uint16_t OpenDataPort();

  Stream& stream_;
  Attachment& attachment_;
  const HostAbilities host_;
  std::uint16_t next_port_ = kFirstDataPort;

  static constexpr std::uint16_t kFirstDataPort = 50000;
};

}  // namespace rack
