#include "tests/rack/mux/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace rack {
namespace {

constexpr int kBacklog = 256;

std::uint16_t FromNetworkOrder(std::uint64_t number) {
  return static_cast<std::uint16_t>((number >> 8U & 0xFFU) | (number & 0xFFU) << 8U);
}

}  // namespace

struct MuxServer::Command {
  std::string_view type;
  Then (MuxServer::*run)(const Call& call);
};

station::Result<std::unique_ptr<MuxServer>> MuxServer::Start(const std::string& path,
                                                             MuxDevices& devices,
                                                             PairRecords& records, Gate& gate,
                                                             std::optional<std::string> only) {
  STATION_TRY(listener, ListenUnix(path, kBacklog));
  return std::unique_ptr<MuxServer>(
      new MuxServer(std::move(listener), devices, records, gate, std::move(only)));
}

MuxServer::MuxServer(station::Fd listener, MuxDevices& devices, PairRecords& records, Gate& gate,
                     std::optional<std::string> only)
    : devices_(devices), records_(records), gate_(gate), only_(std::move(only)) {
  server_ = std::make_unique<SocketServer>(
      std::move(listener), [this](const std::shared_ptr<Stream>& stream) { Serve(stream); });
}

void MuxServer::Serve(const std::shared_ptr<Stream>& stream) {
  stream->PassThrough(gate_);
  MuxVersion version = MuxVersion::kBinary;  // until the client has sent a property list
  while (const auto request = ReadMuxRequest(*stream))
    if (Handle(stream, version, *request) == Then::kClose) return;
}

MuxServer::Then MuxServer::Handle(const std::shared_ptr<Stream>& stream, MuxVersion& version,
                                  const MuxRequest& request) {
  const Value nothing;
  const Call call{stream, version, request.tag, nothing};
  if (request.version > static_cast<std::uint32_t>(MuxVersion::kPlist))
    return Answer(call, kMuxBadVersion);
  switch (request.message) {
    case MuxMessage::kPlist:
      version = MuxVersion::kPlist;
      return HandlePlist(stream, request);
    case MuxMessage::kListen:
      return Listen(call);
    case MuxMessage::kConnect:
      if (const auto target = BinaryTarget(request.body)) return ConnectTo(call, *target);
      break;
    case MuxMessage::kResult:
    case MuxMessage::kAdd:
    case MuxMessage::kRemove:
    case MuxMessage::kPaired:
      break;
  }
  return Answer(call, kMuxBadCommand);
}

MuxServer::Then MuxServer::HandlePlist(const std::shared_ptr<Stream>& stream,
                                       const MuxRequest& request) {
  static constexpr Command kCommands[] = {
      {"ListDevices", &MuxServer::ListDevices},
      {"Listen", &MuxServer::Listen},
      {"Connect", &MuxServer::Connect},
      {"ReadBUID", &MuxServer::ReadBuid},
      {"ReadPairRecord", &MuxServer::ReadPairRecord},
      {"SavePairRecord", &MuxServer::SavePairRecord},
      {"DeletePairRecord", &MuxServer::DeletePairRecord},
      {"ListListeners", &MuxServer::ListListeners},
  };
  const auto message = Value::Parse(request.body);
  const std::string type = message ? message->Text("MessageType") : "";
  if (type.empty()) return Then::kNextCommand;  // not a word, as usbmuxd
  const Call call{stream, MuxVersion::kPlist, request.tag, *message};
  const auto command = std::ranges::find(kCommands, type, &Command::type);
  return command == std::end(kCommands) ? Answer(call, kMuxBadCommand)
                                        : (this->*command->run)(call);
}

MuxServer::Then MuxServer::Connect(const Call& call) {
  const auto id = call.request.Number("DeviceID");
  const auto number = call.request.Number("PortNumber");
  if (id && number)
    return ConnectTo(call, {static_cast<std::uint32_t>(*id), FromNetworkOrder(*number)});
  return Answer(call, id ? kMuxBadCommand : kMuxBadDevice);
}

MuxServer::Then MuxServer::ConnectTo(const Call& call, const MuxTarget& target) {
  const auto device = devices_.Find(target.device);
  if (!device || !Shown(*device)) return Answer(call, kMuxBadDevice);
  const auto service = device->attachment->Find(target.port);
  if (!service || !device->attachment->Join(call.stream)) return Answer(call, kMuxRefused);
  if (Answer(call, kMuxOk) == Then::kNextCommand) service(call.stream);
  return Then::kClose;
}

// Subscribed before the answer goes out: who has it hears of everything from then on.
MuxServer::Then MuxServer::Listen(const Call& call) {
  std::uint64_t listener = 0;
  {
    const std::lock_guard lock(mutex_);
    listener = next_listener_++;
    listeners_[listener] = {.connection = listener,
                            .program = call.request.Text("ProgName", "unknown"),
                            .stream = call.stream,
                            .version = call.version};
  }
  const int subscription =
      devices_.Subscribe([this, listener](const MuxDevice& device, MuxEvent event) {
        if (Shown(device)) Notify(listener, device, event);
      });
  if (Answer(call, kMuxOk) != Then::kClose) {
    {
      const std::lock_guard lock(mutex_);
      listeners_[listener].answered = true;
      Release(listeners_[listener]);
    }
    std::array<std::uint8_t, 1> command;
    (void)call.stream->ReadSome(command);  // anything said after Listen ends the connection
  }
  devices_.Unsubscribe(subscription);
  const std::lock_guard lock(mutex_);
  listeners_.erase(listener);
  return Then::kClose;
}

void MuxServer::Notify(std::uint64_t id, const MuxDevice& device, MuxEvent event) {
  const std::lock_guard lock(mutex_);
  Listener& listener = listeners_[id];
  listener.held += MuxNotice(listener.version, event, device);
  Release(listener);
}

void MuxServer::Release(Listener& listener) {
  if (!listener.answered || gate_.IsShut() || listener.held.empty()) return;
  listener.stream->WriteNow(std::exchange(listener.held, ""));
}

void MuxServer::ReleaseNotices() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, listener] : listeners_) Release(listener);
}

MuxServer::Then MuxServer::ListDevices(const Call& call) {
  Value::Array list;
  for (const MuxDevice& device : devices_.List())
    if (Shown(device)) list.push_back(AttachedMessage(device));
  return Answer(call, Value::Dict{{"DeviceList", std::move(list)}});
}

MuxServer::Then MuxServer::ListListeners(const Call& call) {
  Value::Array list;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, listener] : listeners_)
      list.push_back(
          Value::Dict{{"Blacklisted", false},
                      {"ConnType", 0},
                      {"ID String", fmt::format("{}-{}", listener.connection, listener.program)},
                      {"ProgName", listener.program},
                      {"kLibUSBMuxVersion", 3}});
  }
  return Answer(call, Value::Dict{{"ListenerList", std::move(list)}});
}

MuxServer::Then MuxServer::ReadBuid(const Call& call) {
  return Answer(call, Value::Dict{{"BUID", records_.Buid()}});
}

MuxServer::Then MuxServer::ReadPairRecord(const Call& call) {
  const std::string id = call.request.Text("PairRecordID");
  if (id.empty()) return Answer(call, EINVAL);
  const auto record = records_.Read(id);
  return record ? Answer(call, Value::Dict{{"PairRecordData", *record}}) : Answer(call, ENOENT);
}

MuxServer::Then MuxServer::SavePairRecord(const Call& call) {
  const std::string id = call.request.Text("PairRecordID");
  const Bytes* record = call.request.Data("PairRecordData");
  if (record == nullptr || !records_.Save(id, *record)) return Answer(call, EINVAL);
  const auto device =
      devices_.Find(static_cast<std::uint32_t>(call.request.Number("DeviceID").value_or(0)));
  if (device && device->udid == id) devices_.AnnouncePaired(device->id);
  return Answer(call, kMuxOk);
}

MuxServer::Then MuxServer::DeletePairRecord(const Call& call) {
  const bool deleted = records_.Delete(call.request.Text("PairRecordID"));
  return Answer(call, deleted ? kMuxOk : ENOENT);
}

MuxServer::Then MuxServer::Answer(const Call& call, std::uint32_t code) {
  return call.stream->Write(MuxResult(call.version, call.tag, code)) ? Then::kNextCommand
                                                                     : Then::kClose;
}

MuxServer::Then MuxServer::Answer(const Call& call, const Value::Dict& message) {
  return call.stream->Write(MuxPacket(call.tag, message)) ? Then::kNextCommand : Then::kClose;
}

}  // namespace rack
