#pragma once
// One phone in recovery mode, through libirecovery on the worker's own port.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"

struct irecv_client_private;

namespace station::boot {

// What a phone in recovery says about itself when it is opened.
struct RecoveryInfo {
  Ecid ecid;
  std::uint32_t chip_id = 0;
  std::uint32_t board_id = 0;
  std::uint32_t iboot_flags = 0;         // IBFL; bit 0x04: takes Image4
  std::string serial_number;             // SRNM
  std::vector<std::uint8_t> ap_nonce;    // empty when it gives none
  std::vector<std::uint8_t> sep_nonce;
};

class RecoveryClient {
 public:
  // Opens the phone of this ECID on the worker's port; kRecoveryOpen when it is not there or cannot be claimed.
  [[nodiscard]] static Result<RecoveryClient> Open(Ecid ecid);

  [[nodiscard]] const RecoveryInfo& Info() const { return info_; }
  // A whole IMG4; nothing is known of its fate until the command that uses it. kRecoveryUpload.
  [[nodiscard]] Status Upload(std::span<const std::uint8_t> bytes);
  // kRecoveryCommand when the phone refuses it (stalls) or left.
  [[nodiscard]] Status Command(const std::string& command);
  // For commands after which the phone leaves (go, bootx): its silence is no error.
  void CommandWithoutAnswer(const std::string& command);
  // The poke iBoot gets after an upload that is to be started (control 0x21/1, restore-protocol 2.1).
  void FinishPoke();
  // Nothing when the variable is unknown.
  [[nodiscard]] std::optional<std::string> GetEnv(const std::string& name);

 private:
  struct Close {
    void operator()(irecv_client_private* client) const noexcept;
  };
  RecoveryClient() = default;
  [[nodiscard]] int SendCommand(const std::string& command, std::uint8_t request);
  std::unique_ptr<irecv_client_private, Close> client_;
  RecoveryInfo info_;
};

// Asks libirecovery for a phone that does not exist and sees whether the one-port view served it.
// kUsbViewNotInForce when libusb was reached another way: the worker must stop.
[[nodiscard]] Status CheckViewInForce(const std::function<std::uint64_t()>& listings_served);

}  // namespace station::boot
