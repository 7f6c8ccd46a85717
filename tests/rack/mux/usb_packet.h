#pragma once
// What usbmuxd and a phone say to each other on the bulk endpoints (reference 1.6): one packet a
// transfer, in it a version, a setup, or a segment that looks like TCP. All fields big-endian.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rack {

enum class UsbMuxProtocol : std::uint32_t { kVersion = 0, kControl = 1, kSetup = 2, kTcp = 6 };

inline constexpr std::size_t kLongestUsbMuxPacket = 65536;
inline constexpr std::uint32_t kUsbMuxMajor = 2;

struct UsbMuxSequence {
  std::uint16_t sent = 0;
  std::uint16_t received = 0xFFFF;
};

struct UsbMuxPacket {
  UsbMuxProtocol protocol = UsbMuxProtocol::kVersion;
  UsbMuxSequence sequence;  // as the host numbers them; a version packet has none
  std::span<const std::uint8_t> body;
};

// The whole of `transfer` is one packet: nothing when it is not, or is of no protocol we know.
[[nodiscard]] std::optional<UsbMuxPacket> ParseUsbMuxPacket(std::span<const std::uint8_t> transfer);

struct UsbMuxVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};
[[nodiscard]] std::optional<UsbMuxVersion> ParseUsbMuxVersion(std::span<const std::uint8_t> body);
[[nodiscard]] std::vector<std::uint8_t> UsbMuxVersionPacket(UsbMuxVersion version);

// A segment. `window` is in bytes; on the wire it is cut to multiples of 256.
struct UsbMuxSegment {
  static constexpr std::uint8_t kSyn = 0x02;
  static constexpr std::uint8_t kReset = 0x04;
  static constexpr std::uint8_t kAck = 0x10;

  std::uint16_t source = 0;
  std::uint16_t target = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;
  std::uint8_t flags = kAck;
  std::uint32_t window = 0;
  std::span<const std::uint8_t> payload = {};
};
// Nothing when the header is cut short or has options.
[[nodiscard]] std::optional<UsbMuxSegment> ParseUsbMuxSegment(std::span<const std::uint8_t> body);
[[nodiscard]] std::vector<std::uint8_t> UsbMuxSegmentPacket(UsbMuxSequence sequence,
                                                            const UsbMuxSegment& segment);

}  // namespace rack
