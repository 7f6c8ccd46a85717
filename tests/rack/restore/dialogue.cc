#include "tests/rack/restore/dialogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kAnswerPatience{120};
constexpr std::chrono::seconds kConnectPatience{30};
constexpr std::chrono::seconds kFinalPatience{30};
constexpr std::uint32_t kShownCheckpointBits = 0xFFFF;
constexpr std::size_t kRawPiece = 65536;

// Reference 6.7.
constexpr auto kOldTypes = std::to_array<std::string_view>(
    {"SystemImageData", "RootTicket", "KernelCache", "DeviceTree", "NORData", "BasebandData",
     "FDRTrustData", "FUDData", "FirmwareUpdaterData"});

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

std::unexpected<Refusal> Missing(std::string detail) {
  return std::unexpected(Refusal{Reason::kAnswerMissing, std::move(detail)});
}

std::string DataPortChannel(std::uint16_t port) { return fmt::format("data port {}", port); }

// Records a file as a whole, however many pieces it comes in; also one that ends early.
class Transfer {
 public:
  Transfer(const Phone& phone, std::uint16_t port) : phone_(phone), port_(port) {}
  ~Transfer() {
    phone_.Record(DataPortChannel(port_), Toward::kPhone, "transfer",
                  Value::Dict{{"size", size_}, {"sha256", station::ToHex(hasher_.Finish())}});
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void Add(std::span<const std::uint8_t> piece) {
    size_ += piece.size();
    hasher_.Add(piece);
  }

 private:
  const Phone& phone_;
  const std::uint16_t port_;
  std::uint64_t size_ = 0;
  Hasher hasher_{HashKind::kSha256};
};

Value Signed(std::int64_t number) { return static_cast<std::uint64_t>(number); }

}  // namespace

HostAbilities AbilitiesFrom(const Value& start_restore) {
  HostAbilities host;
  const Value* options = start_restore.Find("RestoreOptions");
  if (options == nullptr) return host;
  host.modern = options->Find("SupportedMessageTypes") != nullptr;
  for (const auto& [key, types] : {std::pair("SupportedMessageTypes", &host.message_types),
                                   std::pair("SupportedDataTypes", &host.data_types),
                                   std::pair("SupportedAsyncDataTypes", &host.async_types)})
    if (const Value* given = options->Find(key)) *types = *given;
  return host;
}

bool HostAbilities::Answers(std::string_view type) const {
  if (!modern) return std::ranges::find(kOldTypes, type) != kOldTypes.end();
  // Asked for since the first phones, and announced by no host (reference 6.4, 6.10 0x628).
  return type == "DeviceTree" || data_types.Find(type) != nullptr ||
         async_types.Find(type) != nullptr;
}

bool Dialogue::Tell(const Value& message) {
  const std::lock_guard lock(mutex_);
  return WriteFrame(stream_, message);
}

void Dialogue::Progress(int operation, int percent, const std::string& context) {
  Value message = Value::Dict{
      {"MsgType", "ProgressMsg"}, {"Operation", operation}, {"Progress", Signed(percent)}};
  if (!context.empty() && host_.Message("AsyncWait")) message.Set("AsyncContextUUID", context);
  Tell(message);
}

void Dialogue::ShowCheckpoint(const Checkpoint& checkpoint, bool complete, std::int64_t result,
                              const std::string& error) {
  if (checkpoint.id == 0 || !host_.Message("CheckpointMsg")) return;
  Value message =
      Value::Dict{{"MsgType", "CheckpointMsg"},
                  {"CHECKPOINT_ID", std::uint64_t{checkpoint.id & kShownCheckpointBits}},
                  {"CHECKPOINT_NAME", checkpoint.name},
                  {"CHECKPOINT_RESULT", Signed(result)},
                  {"CHECKPOINT_COMPLETE", complete}};
  if (!error.empty()) message.Set("CHECKPOINT_ERROR", error);
  Tell(message);
}

void Dialogue::Begin(const Checkpoint& checkpoint) { ShowCheckpoint(checkpoint, false, 0, ""); }
void Dialogue::Complete(const Checkpoint& checkpoint) { ShowCheckpoint(checkpoint, true, 0, ""); }
void Dialogue::FailAt(const Checkpoint& checkpoint, std::int64_t result, const std::string& error) {
  ShowCheckpoint(checkpoint, true, result, error);
}

Dialogue::Answer Dialogue::ReadAnswer(Stream& stream, const std::string& what) const {
  auto answer = ReadFrame(stream, kAnswerPatience);
  if (answer) return std::move(*answer);
  std::array<std::uint8_t, 1> nothing;
  const bool closed = stream.ReadSome(nothing, std::chrono::milliseconds(0)) == 0;
  return closed && &stream == &stream_ ? Gone("connection closed instead of answering " + what)
                                       : Missing("no answer to " + what);
}

std::shared_ptr<Stream> Dialogue::TakeConnection(std::uint16_t port,
                                                 std::chrono::milliseconds connect_patience,
                                                 bool recorded) const {
  auto connection = attachment_.Accept(port, connect_patience);
  attachment_.Close(port);
  if (connection && recorded) connection->SetTap(phone_.TapFor(DataPortChannel(port)));
  return connection;
}

Dialogue::Answer Dialogue::ReadAnswerAt(std::uint16_t port, const std::string& what,
                                        std::chrono::milliseconds connect_patience) const {
  const auto connection = TakeConnection(port, connect_patience);
  return connection ? ReadAnswer(*connection, what)
                    : Missing("nobody connected to the data port of " + what);
}

std::uint16_t Dialogue::OpenDataPort() {
  const std::lock_guard lock(mutex_);
  attachment_.Listen(next_port_);
  return next_port_++;
}

Dialogue::Answer Dialogue::Request(const std::string& data_type, Value arguments) {
  const std::uint16_t port = host_.modern && phone_.Spec().data_ports ? OpenDataPort() : 0;
  if (!Announce(data_type, std::move(arguments), port, false))
    return Gone("working connection closed");
  return port == 0 ? ReadAnswer(stream_, data_type)
                   : ReadAnswerAt(port, data_type, kConnectPatience);
}

std::future<Dialogue::Answer> Dialogue::RequestAsync(const std::string& data_type, Value arguments,
                                                     std::chrono::milliseconds connect_patience) {
  std::promise<Answer> now;
  if (!host_.Message("AsyncDataRequestMsg")) {
    now.set_value(Request(data_type, std::move(arguments)));
    return now.get_future();
  }
  const std::uint16_t port = OpenDataPort();
  if (!Announce(data_type, std::move(arguments), port, true)) {
    now.set_value(Gone("working connection closed"));
    return now.get_future();
  }
  return std::async(std::launch::async, [this, port, data_type, connect_patience] {
    return ReadAnswerAt(port, data_type, connect_patience);
  });
}

std::expected<void, Refusal> Dialogue::RequestFile(const std::string& data_type, Value arguments,
                                                   const TakePiece& take) {
  const std::uint16_t port = OpenDataPort();
  if (!Announce(data_type, std::move(arguments), port, false))
    return Gone("working connection closed");
  const auto connection = TakeConnection(port, kConnectPatience, false);
  if (!connection) return Missing("nobody connected to the data port of " + data_type);
  Transfer transfer(phone_, port);
  while (true) {
    const auto piece = ReadFrame(*connection, kAnswerPatience);
    if (!piece) return Missing(data_type + " ended before FileDataDone");
    if (const Bytes* bytes = piece->Data("FileData")) {
      transfer.Add(*bytes);
      if (auto taken = take(*bytes, *connection); !taken) return taken;
    }
    if (piece->Flag("FileDataDone")) return {};
    if (piece->Data("FileData") == nullptr)
      return Missing(data_type + " holds neither FileData nor FileDataDone");
  }
}

std::expected<void, Refusal> Dialogue::RequestRaw(const std::string& data_type, Value arguments,
                                                  const TakePiece& take) {
  const std::uint16_t port = OpenDataPort();
  if (!Announce(data_type, std::move(arguments), port, false))
    return Gone("working connection closed");
  const auto connection = TakeConnection(port, kConnectPatience);
  if (!connection) return Missing("nobody connected to the data port of " + data_type);
  Transfer transfer(phone_, port);
  Bytes piece(kRawPiece);
  while (const auto got = connection->ReadSome(piece, kAnswerPatience)) {
    if (*got == 0) return {};
    transfer.Add(std::span(piece).first(*got));
    if (auto taken = take(std::span(piece).first(*got), *connection); !taken) return taken;
  }
  return Missing(data_type + " was never closed");
}

Dialogue::Answer Dialogue::Ask(const std::string& message_type) {
  if (!Tell(Value::Dict{{"MsgType", message_type}})) return Gone("working connection closed");
  return ReadAnswer(stream_, message_type);
}

bool Dialogue::Announce(const std::string& data_type, Value arguments, std::uint16_t port,
                        bool async, const Value& fields) {
  Value message = Asking(async ? "AsyncDataRequestMsg" : "DataRequestMsg", data_type,
                         std::move(arguments), port);
  for (const auto& [key, value] : *fields.AsDict()) message.Set(key, value);
  return Tell(message);
}

// AMRError is what ends the dialogue of hosts; a status alone does not (reference 6.9).
void Dialogue::FinalStatus(std::int64_t status, const std::string& log) {
  Value message = Value::Dict{{"MsgType", "StatusMsg"}, {"Status", Signed(status)}};
  if (status != 0) message.Set("AMRError", Signed(status));
  if (!log.empty()) message.Set("Log", log);
  Tell(message);
}

bool Dialogue::AwaitFinalAnswer() {
  while (const auto message = ReadFrame(stream_, kFinalPatience))
    if (message->Text("MsgType") == "ReceivedFinalStatusMsg") return true;
  return false;
}

}  // namespace rack
