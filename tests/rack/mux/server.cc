#include "tests/rack/mux/server.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace rack {
namespace {

constexpr std::uint32_t kHeaderSize = 16;
constexpr std::uint32_t kLongestRequest = 65536;
constexpr std::uint32_t kPlistVersion = 1;
constexpr std::uint32_t kMessageResult = 1;
constexpr std::uint32_t kMessagePlist = 8;
constexpr int kBacklog = 256;

enum Code : std::uint32_t {
  kOk = 0,
  kBadCommand = 1,
  kBadDevice = 2,
  kRefused = 3,
  kBadVersion = 6
};

struct Header {
  std::uint32_t length;
  std::uint32_t version;
  std::uint32_t message;
  std::uint32_t tag;
};
static_assert(sizeof(Header) ==
              kHeaderSize);  // little-endian on the wire, as on every host this runs on

std::string Packet(std::uint32_t version, std::uint32_t message, std::uint32_t tag,
                   std::string_view body) {
  const Header header{static_cast<std::uint32_t>(kHeaderSize + body.size()), version, message, tag};
  std::string packet(reinterpret_cast<const char*>(&header), sizeof(header));
  return packet.append(body);
}

std::string Packet(std::uint32_t tag, const Value& message) {
  return Packet(kPlistVersion, kMessagePlist, tag, message.ToXml());
}

std::string Result(std::uint32_t tag, std::uint32_t code) {
  return Packet(tag, Value::Dict{{"MessageType", "Result"}, {"Number", std::uint64_t{code}}});
}

Value Attached(const MuxDevice& device) {
  const std::uint64_t id = device.id;
  return Value::Dict{{"MessageType", "Attached"},
                     {"DeviceID", id},
                     {"Properties", Value::Dict{{"ConnectionSpeed", device.speed},
                                                {"ConnectionType", "USB"},
                                                {"DeviceID", id},
                                                {"LocationID", std::uint64_t{device.location}},
                                                {"ProductID", std::uint64_t{device.product_id}},
                                                {"SerialNumber", device.udid}}}};
}

Value Detached(const MuxDevice& device) {
  return Value::Dict{{"MessageType", "Detached"}, {"DeviceID", std::uint64_t{device.id}}};
}

}  // namespace

station::Result<std::unique_ptr<MuxServer>> MuxServer::Start(const std::string& path,
                                                             MuxDevices& devices,
                                                             PairRecords& records,
                                                             std::optional<std::string> only) {
  STATION_TRY(listener, ListenUnix(path, kBacklog));
  return std::unique_ptr<MuxServer>(
      new MuxServer(std::move(listener), devices, records, std::move(only)));
}

MuxServer::MuxServer(station::Fd listener, MuxDevices& devices, PairRecords& records,
                     std::optional<std::string> only)
    : devices_(devices), records_(records), only_(std::move(only)) {
  server_ = std::make_unique<SocketServer>(
      std::move(listener), [this](const std::shared_ptr<Stream>& stream) { Serve(stream); });
}

void MuxServer::Serve(const std::shared_ptr<Stream>& stream) {
  while (true) {
    std::array<std::uint8_t, kHeaderSize> raw;
    if (!stream->ReadExact(raw)) return;
    Header header;
    std::memcpy(&header, raw.data(), sizeof(header));
    if (header.length < kHeaderSize || header.length > kLongestRequest) return;
    Bytes body(header.length - kHeaderSize);
    if (!stream->ReadExact(body)) return;
    if (header.version != kPlistVersion) {
      const std::uint32_t code = kBadVersion;
      const std::string_view code_bytes(reinterpret_cast<const char*>(&code), sizeof(code));
      stream->Write(Packet(0, kMessageResult, header.tag, code_bytes));
      continue;
    }
    const auto request = Value::Parse(body);
    if (header.message != kMessagePlist || !request || request->Text("MessageType").empty())
      continue;  // as usbmuxd
    if (Handle(stream, header.tag, *request) == Then::kClose) return;
  }
}

MuxServer::Then MuxServer::Handle(const std::shared_ptr<Stream>& stream, std::uint32_t tag,
                                  const Value& request) {
  const std::string type = request.Text("MessageType");
  const std::string id = request.Text("PairRecordID");
  const auto answer = [&](const std::string& packet) {
    return stream->Write(packet) ? Then::kNextCommand : Then::kClose;
  };
  if (type == "ListDevices") return answer(Packet(tag, DeviceList()));
  if (type == "ListListeners") return answer(Packet(tag, ListenerList()));
  if (type == "ReadBUID") return answer(Packet(tag, Value::Dict{{"BUID", records_.Buid()}}));
  if (type == "Connect") return Connect(stream, tag, request);
  if (type == "Listen") {
    Listen(stream, tag, request);
    return Then::kClose;
  }
  if (type == "ReadPairRecord") {
    if (id.empty()) return answer(Result(tag, EINVAL));
    const auto record = records_.Read(id);
    return answer(record ? Packet(tag, Value::Dict{{"PairRecordData", *record}})
                         : Result(tag, ENOENT));
  }
  if (type == "SavePairRecord") {
    const Bytes* record = request.Data("PairRecordData");
    const bool saved = record != nullptr && records_.Save(id, *record);
    return answer(Result(tag, saved ? static_cast<std::uint32_t>(kOk) : EINVAL));
  }
  if (type == "DeletePairRecord")
    return answer(Result(tag, records_.Delete(id) ? static_cast<std::uint32_t>(kOk) : ENOENT));
  return answer(Result(tag, kBadCommand));
}

MuxServer::Then MuxServer::Connect(const std::shared_ptr<Stream>& stream, std::uint32_t tag,
                                   const Value& request) {
  const auto refuse = [&](Code code) {
    return stream->Write(Result(tag, code)) ? Then::kNextCommand : Then::kClose;
  };
  const auto id = request.Number("DeviceID");
  const auto number = request.Number("PortNumber");
  if (!id) return refuse(kBadDevice);
  if (!number) return refuse(kBadCommand);
  const auto device = devices_.Find(static_cast<std::uint32_t>(*id));
  if (!device || !Shown(*device)) return refuse(kBadDevice);
  const auto port = static_cast<std::uint16_t>((*number >> 8U & 0xFFU) | (*number & 0xFFU) << 8U);
  const auto service = device->attachment->Find(port);
  if (!service || !device->attachment->Join(stream)) return refuse(kRefused);
  if (stream->Write(Result(tag, kOk))) service(stream);
  return Then::kClose;
}

void MuxServer::Listen(const std::shared_ptr<Stream>& stream, std::uint32_t tag,
                       const Value& request) {
  if (!stream->Write(Result(tag, kOk))) return;
  std::uint64_t listener = 0;
  {
    const std::lock_guard lock(mutex_);
    listener = next_listener_++;
    listeners_[listener] = {listener, request.Text("ProgName", "unknown")};
  }
  const int subscription =
      devices_.Subscribe([this, stream](const MuxDevice& device, bool attached) {
        if (Shown(device))
          stream->WriteNow(Packet(0, attached ? Attached(device) : Detached(device)));
      });
  std::array<std::uint8_t, 1> command;
  (void)stream->ReadSome(command);  // anything said after Listen ends the connection
  devices_.Unsubscribe(subscription);
  const std::lock_guard lock(mutex_);
  listeners_.erase(listener);
}

Value MuxServer::DeviceList() const {
  Value::Array list;
  for (const MuxDevice& device : devices_.List())
    if (Shown(device)) list.push_back(Attached(device));
  return Value::Dict{{"DeviceList", std::move(list)}};
}

Value MuxServer::ListenerList() {
  const std::lock_guard lock(mutex_);
  Value::Array list;
  for (const auto& [id, listener] : listeners_)
    list.push_back(
        Value::Dict{{"Blacklisted", false},
                    {"ConnType", 0},
                    {"ID String", fmt::format("{}-{}", listener.connection, listener.program)},
                    {"ProgName", listener.program},
                    {"kLibUSBMuxVersion", 3}});
  return Value::Dict{{"ListenerList", std::move(list)}};
}

}  // namespace rack
