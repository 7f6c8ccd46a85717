#include "tests/rack/mux/packets.h"

#include <array>
#include <cstring>

namespace rack {
namespace {

constexpr std::uint32_t kLongestRequest = 65536;
constexpr std::size_t kSerialField = 256;

struct Header {
  std::uint32_t length;
  std::uint32_t version;
  std::uint32_t message;
  std::uint32_t tag;
};
static_assert(sizeof(Header) == 16);  // little-endian on the wire, as on every host this runs on

template <typename Number>
void Append(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

std::string Packet(MuxVersion version, MuxMessage message, std::uint32_t tag,
                   std::string_view body) {
  std::string packet;
  Append(packet,
         Header{static_cast<std::uint32_t>(sizeof(Header) + body.size()),
                static_cast<std::uint32_t>(version), static_cast<std::uint32_t>(message), tag});
  return packet.append(body);
}

std::string BinaryNotice(MuxEvent event, const MuxDevice& device) {
  std::string body;
  Append(body, device.id);
  switch (event) {
    case MuxEvent::kDetached:
      return Packet(MuxVersion::kBinary, MuxMessage::kRemove, 0, body);
    case MuxEvent::kPaired:
      return Packet(MuxVersion::kBinary, MuxMessage::kPaired, 0, body);
    case MuxEvent::kAttached:
      break;
  }
  std::string serial = device.udid.substr(0, kSerialField - 1);
  serial.resize(kSerialField);
  Append(body, device.product_id);
  body += serial;
  Append(body, std::uint16_t{0});
  Append(body, device.location);
  return Packet(MuxVersion::kBinary, MuxMessage::kAdd, 0, body);
}

}  // namespace

std::optional<MuxRequest> ReadMuxRequest(Stream& stream) {
  std::array<std::uint8_t, sizeof(Header)> raw;
  if (!stream.ReadExact(raw)) return std::nullopt;
  Header header;
  std::memcpy(&header, raw.data(), sizeof(header));
  if (header.length < sizeof(Header) || header.length > kLongestRequest) return std::nullopt;
  MuxRequest request{header.version, static_cast<MuxMessage>(header.message), header.tag,
                     Bytes(header.length - sizeof(Header))};
  if (!stream.ReadExact(request.body)) return std::nullopt;
  return request;
}

std::string MuxPacket(std::uint32_t tag, const Value& message) {
  return Packet(MuxVersion::kPlist, MuxMessage::kPlist, tag, message.ToXml());
}

std::string MuxResult(MuxVersion version, std::uint32_t tag, std::uint32_t code) {
  if (version == MuxVersion::kPlist)
    return MuxPacket(tag, Value::Dict{{"MessageType", "Result"}, {"Number", std::uint64_t{code}}});
  std::string body;
  Append(body, code);
  return Packet(version, MuxMessage::kResult, tag, body);
}

Value AttachedMessage(const MuxDevice& device) {
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

std::string MuxNotice(MuxVersion version, MuxEvent event, const MuxDevice& device) {
  if (version == MuxVersion::kBinary) return BinaryNotice(event, device);
  if (event == MuxEvent::kAttached) return MuxPacket(0, AttachedMessage(device));
  return MuxPacket(
      0, Value::Dict{{"MessageType", event == MuxEvent::kDetached ? "Detached" : "Paired"},
                     {"DeviceID", std::uint64_t{device.id}}});
}

std::optional<MuxTarget> BinaryTarget(const Bytes& body) {
  MuxTarget target;
  if (body.size() < sizeof(target.device) + sizeof(target.port)) return std::nullopt;
  std::memcpy(&target.device, body.data(), sizeof(target.device));
  target.port = static_cast<std::uint16_t>(body[4] << 8U | body[5]);
  return target;
}

}  // namespace rack
