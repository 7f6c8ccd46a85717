#include "tests/rack/restore/dialogue.h"

#include <array>

namespace rack {
namespace {

constexpr std::chrono::seconds kAnswerPatience{120};
constexpr std::chrono::seconds kFinalPatience{30};

Value DataRequest(const std::string& data_type, Value arguments) {
  Value message = Value::Dict{{"MsgType", "DataRequestMsg"}, {"DataType", data_type}};
  if (!arguments.AsDict()->empty()) message.Set("Arguments", std::move(arguments));
  return message;
}

}  // namespace

HostAbilities AbilitiesFrom(const Value& start_restore) {
  HostAbilities host;
  const Value* options = start_restore.Find("RestoreOptions");
  const Value* messages = options == nullptr ? nullptr : options->Find("SupportedMessageTypes");
  const Value* data = options == nullptr ? nullptr : options->Find("SupportedDataTypes");
  host.modern = messages != nullptr;
  if (messages != nullptr) host.message_types = *messages;
  if (data != nullptr) host.data_types = *data;
  return host;
}

void Dialogue::Progress(int operation, int percent) {
  WriteFrame(
      stream_,
      Value::Dict{{"MsgType", "ProgressMsg"}, {"Operation", operation}, {"Progress", percent}});
}

void Dialogue::Checkpoint(int id, const char* name) {
  if (!host_.Message("CheckpointMsg")) return;
  WriteFrame(stream_, Value::Dict{{"MsgType", "CheckpointMsg"},
                                  {"CHECKPOINT_ID", id},
                                  {"CHECKPOINT_NAME", name},
                                  {"CHECKPOINT_RESULT", 0},
                                  {"CHECKPOINT_COMPLETE", true}});
}

std::expected<Value, Refusal> Dialogue::Request(const std::string& data_type, Value arguments) {
  if (!WriteFrame(stream_, DataRequest(data_type, std::move(arguments))))
    return std::unexpected(Refusal{Reason::kHostGone, "working connection closed"});
  auto answer = ReadFrame(stream_, kAnswerPatience);
  if (!answer) {
    std::array<std::uint8_t, 1> nothing;
    const bool closed = stream_.ReadSome(nothing, std::chrono::milliseconds(0)) == 0;
    return std::unexpected(
        closed ? Refusal{Reason::kHostGone, "connection closed instead of answering " + data_type}
               : Refusal{Reason::kAnswerMissing, "no answer to " + data_type});
  }
  return std::move(*answer);
}

bool Dialogue::Announce(const std::string& data_type, Value arguments) {
  return WriteFrame(stream_, DataRequest(data_type, std::move(arguments)));
}

void Dialogue::FinalStatus(std::uint64_t status, std::uint64_t amr_error, const std::string& log) {
  Value message = Value::Dict{{"MsgType", "StatusMsg"}, {"Status", status}};
  if (amr_error != 0) message.Set("AMRError", amr_error);
  if (!log.empty()) message.Set("Log", log);
  WriteFrame(stream_, message);
}

bool Dialogue::AwaitFinalAnswer() {
  while (const auto message = ReadFrame(stream_, kFinalPatience))
    if (message->Text("MsgType") == "ReceivedFinalStatusMsg") return true;
  return false;
}

}  // namespace rack
