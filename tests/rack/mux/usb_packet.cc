#include "tests/rack/mux/usb_packet.h"

#include <algorithm>

namespace rack {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kMagic = 0xFEEDFACE;
constexpr std::size_t kShortHeader = 8;  // of a version packet, sent before both sides know more
constexpr std::size_t kLongHeader = 16;
constexpr std::size_t kSegmentHeader = 20;
constexpr std::uint8_t kNoOptions = 5U << 4U;

std::uint16_t Word(std::span<const std::uint8_t> from, std::size_t at) {
  return static_cast<std::uint16_t>(from[at] << 8U | from[at + 1]);
}

std::uint32_t Long(std::span<const std::uint8_t> from, std::size_t at) {
  return std::uint32_t{Word(from, at)} << 16U | Word(from, at + 2);
}

void PutWord(Bytes& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U & 0xFFU));
  to.push_back(static_cast<std::uint8_t>(value & 0xFFU));
}

void PutLong(Bytes& to, std::uint32_t value) {
  PutWord(to, value >> 16U);
  PutWord(to, value);
}

}  // namespace

std::optional<UsbMuxPacket> ParseUsbMuxPacket(std::span<const std::uint8_t> transfer) {
  if (transfer.size() < kShortHeader || Long(transfer, 4) != transfer.size()) return std::nullopt;
  UsbMuxPacket packet;
  packet.protocol = static_cast<UsbMuxProtocol>(Long(transfer, 0));
  if (packet.protocol == UsbMuxProtocol::kVersion) {
    packet.body = transfer.subspan(kShortHeader);
    return packet;
  }
  using enum UsbMuxProtocol;
  if (packet.protocol != kControl && packet.protocol != kSetup && packet.protocol != kTcp)
    return std::nullopt;
  if (transfer.size() < kLongHeader || Long(transfer, 8) != kMagic) return std::nullopt;
  packet.sequence = {Word(transfer, 12), Word(transfer, 14)};
  packet.body = transfer.subspan(kLongHeader);
  return packet;
}

std::optional<UsbMuxVersion> ParseUsbMuxVersion(std::span<const std::uint8_t> body) {
  if (body.size() < 8) return std::nullopt;
  return UsbMuxVersion{Long(body, 0), Long(body, 4)};
}

Bytes UsbMuxVersionPacket(UsbMuxVersion version) {
  Bytes packet;
  PutLong(packet, static_cast<std::uint32_t>(UsbMuxProtocol::kVersion));
  PutLong(packet, kShortHeader + 12);
  for (const std::uint32_t value : {version.major, version.minor, 0U}) PutLong(packet, value);
  return packet;
}

std::optional<UsbMuxSegment> ParseUsbMuxSegment(std::span<const std::uint8_t> body) {
  if (body.size() < kSegmentHeader || body[12] != kNoOptions) return std::nullopt;
  UsbMuxSegment segment;
  segment.source = Word(body, 0);
  segment.target = Word(body, 2);
  segment.sequence = Long(body, 4);
  segment.acknowledged = Long(body, 8);
  segment.flags = body[13];
  segment.window = std::uint32_t{Word(body, 14)} << 8U;
  segment.payload = body.subspan(kSegmentHeader);
  return segment;
}

Bytes UsbMuxSegmentPacket(UsbMuxSequence sequence, const UsbMuxSegment& segment) {
  Bytes packet;
  const std::size_t size = kLongHeader + kSegmentHeader + segment.payload.size();
  packet.reserve(size);
  PutLong(packet, static_cast<std::uint32_t>(UsbMuxProtocol::kTcp));
  PutLong(packet, static_cast<std::uint32_t>(size));
  PutLong(packet, kMagic);
  PutWord(packet, sequence.sent);
  PutWord(packet, sequence.received);
  PutWord(packet, segment.source);
  PutWord(packet, segment.target);
  PutLong(packet, segment.sequence);
  PutLong(packet, segment.acknowledged);
  packet.push_back(kNoOptions);
  packet.push_back(segment.flags);
  PutWord(packet, std::min<std::uint32_t>(segment.window >> 8U, 0xFFFF));
  PutLong(packet, 0);  // checksum, urgent: unused
  packet.insert(packet.end(), segment.payload.begin(), segment.payload.end());
  return packet;
}

}  // namespace rack
