#include "tests/rack/restore/dialogue.h"

#include <array>

namespace rack {
namespace {

constexpr std::chrono::seconds kAnswerPatience{120};
constexpr std::chrono::seconds kConnectPatience{30};
constexpr std::chrono::seconds kFinalPatience{30};
constexpr std::uint32_t kShownCheckpointBits = 0xFFFF;

Value Asking(const char* message_type, const std::string& data_type, Value arguments,
             std::uint16_t port) {
  Value message = Value::Dict{{"MsgType", message_type}, {"DataType", data_type}};
  if (port != 0) message.Set("DataPort", std::uint64_t{port});
  if (!arguments.AsDict()->empty()) message.Set("Arguments", std::move(arguments));
  return message;
}

std::unexpected<Refusal> Gone(std::string detail) {
  return std::unexpected(Refusal{Reason::kHostGone, std::move(detail)});
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

void Dialogue::ShowCheckpoint(const Checkpoint& checkpoint, bool complete, const Refusal* refusal) {
  if (checkpoint.id == 0 || !host_.Message("CheckpointMsg")) return;
  Value message =
      Value::Dict{{"MsgType", "CheckpointMsg"},
                  {"CHECKPOINT_ID", std::uint64_t{checkpoint.id & kShownCheckpointBits}},
                  {"CHECKPOINT_NAME", checkpoint.name},
                  {"CHECKPOINT_RESULT", refusal == nullptr ? 0 : 1},
                  {"CHECKPOINT_COMPLETE", complete}};
  if (refusal != nullptr) message.Set("CHECKPOINT_ERROR", refusal->detail);
  WriteFrame(stream_, message);
}

void Dialogue::Begin(const Checkpoint& checkpoint) { ShowCheckpoint(checkpoint, false, nullptr); }
void Dialogue::Complete(const Checkpoint& checkpoint) { ShowCheckpoint(checkpoint, true, nullptr); }
void Dialogue::FailAt(const Checkpoint& checkpoint, const Refusal& refusal) {
  ShowCheckpoint(checkpoint, true, &refusal);
}

Dialogue::Answer Dialogue::ReadAnswer(Stream& stream, const std::string& data_type) const {
  auto answer = ReadFrame(stream, kAnswerPatience);
  if (answer) return std::move(*answer);
  std::array<std::uint8_t, 1> nothing;
  const bool closed = stream.ReadSome(nothing, std::chrono::milliseconds(0)) == 0;
  if (closed) return Gone("connection closed instead of answering " + data_type);
  return std::unexpected(Refusal{Reason::kAnswerMissing, "no answer to " + data_type});
}

Dialogue::Answer Dialogue::ReadAnswerAt(std::uint16_t port, const std::string& data_type) const {
  const auto connection = attachment_.Accept(port, kConnectPatience);
  attachment_.Close(port);
  if (connection) return ReadAnswer(*connection, data_type);
  return std::unexpected(
      Refusal{Reason::kAnswerMissing, "nobody connected to the data port of " + data_type});
}

std::uint16_t Dialogue::OpenDataPort() {
  attachment_.Listen(next_port_);
  return next_port_++;
}

Dialogue::Answer Dialogue::Request(const std::string& data_type, Value arguments) {
  const std::uint16_t port = host_.modern ? OpenDataPort() : 0;
  if (!Tell(Asking("DataRequestMsg", data_type, std::move(arguments), port)))
    return Gone("working connection closed");
  return port == 0 ? ReadAnswer(stream_, data_type) : ReadAnswerAt(port, data_type);
}

std::future<Dialogue::Answer> Dialogue::RequestAsync(const std::string& data_type,
                                                     Value arguments) {
  std::promise<Answer> now;
  if (!host_.Message("AsyncDataRequestMsg")) {
    now.set_value(Request(data_type, std::move(arguments)));
    return now.get_future();
  }
  const std::uint16_t port = OpenDataPort();
  if (!Tell(Asking("AsyncDataRequestMsg", data_type, std::move(arguments), port))) {
    now.set_value(Gone("working connection closed"));
    return now.get_future();
  }
  return std::async(std::launch::async,
                    [this, port, data_type] { return ReadAnswerAt(port, data_type); });
}

bool Dialogue::Announce(const std::string& data_type, Value arguments) {
  return Tell(Asking("DataRequestMsg", data_type, std::move(arguments), 0));
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
