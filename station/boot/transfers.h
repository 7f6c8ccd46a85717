#pragma once
// The USB transfers of one open phone in DFU or recovery mode; tests put a scripted phone behind
// it.

#include <chrono>
#include <cstdint>
#include <span>

namespace station::boot {

struct ControlSetup {
  std::uint8_t request_type = 0;
  std::uint8_t request = 0;
  std::uint16_t value = 0;
  std::chrono::milliseconds timeout{10000};  // every client's (restore-protocol 2)
};

class Transfers {
 public:
  virtual ~Transfers() = default;
  // Bytes moved, or a negative libusb error. The direction is the request type's; wIndex is always
  // 0.
  [[nodiscard]] virtual int Control(const ControlSetup& setup, std::span<std::uint8_t> data) = 0;
  // As Control. An empty `bytes` is a packet without data.
  [[nodiscard]] virtual int BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
                                    std::chrono::milliseconds timeout) = 0;
  // The phone re-enumerates; nothing can be sent through this afterwards.
  virtual void ResetPort() = 0;
};

}  // namespace station::boot
