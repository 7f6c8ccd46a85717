#pragma once
// The working connection of a restore: the phone tells, asks for data, and is answered on the same
// connection.

#include <expected>
#include <string>

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

class Dialogue {
 public:
  Dialogue(Stream& stream, HostAbilities host) : stream_(stream), host_(std::move(host)) {}

  [[nodiscard]] const HostAbilities& Host() const { return host_; }
  void Progress(int operation, int percent);
  // Low 16 bits of the checkpoint's number; only to hosts that know the message.
  void Checkpoint(int id, const char* name);
  // Asks and waits for the answer.
  [[nodiscard]] std::expected<Value, Refusal> Request(const std::string& data_type,
                                                      Value arguments = {});
  // Asks for what is answered elsewhere.
  [[nodiscard]] bool Announce(const std::string& data_type, Value arguments = {});
  void FinalStatus(std::uint64_t status, std::uint64_t amr_error, const std::string& log);
  // Waits for ReceivedFinalStatusMsg; false when the host went without it.
  [[nodiscard]] bool AwaitFinalAnswer();

 private:
  Stream& stream_;
  HostAbilities host_;
};

}  // namespace rack
