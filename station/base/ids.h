#pragma once
// Identity and units as types, so that no naked integer crosses a folder.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace station {

// A chip's exclusive id: the one identity of a phone that holds in every mode. 0 is "not known".
struct Ecid {
  std::uint64_t value = 0;
  [[nodiscard]] bool Known() const { return value != 0; }
  friend auto operator<=>(const Ecid&, const Ecid&) = default;
};
// "0x" and 16 lower-case digits.
[[nodiscard]] std::string ToString(Ecid ecid);
// Takes hexadecimal with or without 0x, or decimal with the prefix "dec:"; nothing when it is neither.
[[nodiscard]] std::optional<Ecid> ParseEcid(std::string_view text);

// Where a device sits on the bus right now, as libusb and sysfs number it: "1-4.2" is bus 1, port 4, port 2. Bus numbers
// change from boot to boot; PortPath is for finding a device, PortKey for remembering a port.
struct PortPath {
  std::uint8_t bus = 0;
  std::vector<std::uint8_t> chain;
  friend auto operator<=>(const PortPath&, const PortPath&) = default;
};
[[nodiscard]] std::string ToString(const PortPath& path);
[[nodiscard]] std::optional<PortPath> ParsePortPath(std::string_view text);

// A physical port: host controller (its path under /sys/devices) and port chain, USB 2 and USB 3 sides merged.
// Example: "pci0000:00/0000:00:14.0:4.2".
struct PortKey {
  std::string value;
  friend auto operator<=>(const PortKey&, const PortKey&) = default;
};

// One action on one phone on one port; given by the ledger, never reused.
struct JobId {
  std::int64_t value = 0;
  friend auto operator<=>(const JobId&, const JobId&) = default;
};

struct ByteCount {
  std::uint64_t value = 0;
  friend auto operator<=>(const ByteCount&, const ByteCount&) = default;
};

using Sha256Digest = std::array<std::uint8_t, 32>;
using Sha1Digest = std::array<std::uint8_t, 20>;

// Lower-case hexadecimal.
[[nodiscard]] std::string ToHex(const std::uint8_t* bytes, std::size_t size);
template <typename Container>
[[nodiscard]] std::string ToHex(const Container& bytes) {
  return ToHex(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}
// Nothing when the length is odd or a character is no hex digit; either case is read.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> ParseHex(std::string_view text);
[[nodiscard]] std::optional<Sha256Digest> ParseSha256(std::string_view hex);

}  // namespace station
