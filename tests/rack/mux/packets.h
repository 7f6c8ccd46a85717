#pragma once
// The packets of the usbmuxd client protocol, in its two versions: property lists, and the older
// binary one that clients fall back to (device-services 1.2 to 1.5).

#include <cstdint>
#include <optional>
#include <string>

#include "tests/rack/mux/devices.h"
#include "tests/rack/wire/stream.h"

namespace rack {

enum class MuxVersion : std::uint32_t { kBinary = 0, kPlist = 1 };
enum class MuxMessage : std::uint32_t {
  kResult = 1,
  kConnect = 2,
  kListen = 3,
  kAdd = 4,
  kRemove = 5,
  kPaired = 6,
  kPlist = 8
};

// Results; requests about pair records answer errno values instead.
inline constexpr std::uint32_t kMuxOk = 0;
inline constexpr std::uint32_t kMuxBadCommand = 1;
inline constexpr std::uint32_t kMuxBadDevice = 2;
inline constexpr std::uint32_t kMuxRefused = 3;
inline constexpr std::uint32_t kMuxBadVersion = 6;

struct MuxRequest {
  std::uint32_t version = 0;
  MuxMessage message = MuxMessage::kPlist;
  std::uint32_t tag = 0;
  Bytes body;
};
// Nothing when the connection ended or the length is out of bounds.
[[nodiscard]] std::optional<MuxRequest> ReadMuxRequest(Stream& stream);

[[nodiscard]] std::string MuxPacket(std::uint32_t tag, const Value& message);
[[nodiscard]] std::string MuxResult(MuxVersion version, std::uint32_t tag, std::uint32_t code);
[[nodiscard]] std::string MuxNotice(MuxVersion version, MuxEvent event, const MuxDevice& device);
// As ListDevices lists it, and an Attached notice tells it.
[[nodiscard]] Value AttachedMessage(const MuxDevice& device);

// CONNECT of the binary protocol; nothing when it is too short.
struct MuxTarget {
  std::uint32_t device = 0;
  std::uint16_t port = 0;
};
[[nodiscard]] std::optional<MuxTarget> BinaryTarget(const Bytes& body);

}  // namespace rack
