#pragma once
// One phone in recovery mode: iBoot, an iBSS or an iBEC (restore-protocol 2.1 to 2.3).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "station/base/byte_source.h"
#include "station/base/ids.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/boot/boot_info.h"
#include "station/boot/transfers.h"

namespace station::boot {

class RecoveryClient {
 public:
  // Opens the phone of this ECID on the worker's port; kRecoveryOpen when it is not there, is not
  // in recovery mode or cannot be claimed; kPhoneMismatch.
  [[nodiscard]] static Result<RecoveryClient> Open(Ecid ecid);
  RecoveryClient(std::unique_ptr<Transfers> phone, BootInfo info)
      : phone_(std::move(phone)), info_(std::move(info)) {}

  [[nodiscard]] const BootInfo& Info() const { return info_; }
  // A whole IMG4; nothing is known of its fate until the command that uses it. kRecoveryUpload, and
  // what `control` and the source say.
  [[nodiscard]] Status Upload(const ByteSource& image, JobControl& control);
  // kRecoveryCommand when the phone refuses it (stalls) or left.
  [[nodiscard]] Status Command(const std::string& command);
  // For commands after which the phone leaves (go, bootx): its silence is no error.
  void CommandWithoutAnswer(const std::string& command);
  // The poke iBoot gets after an upload that is to be started (control 0x21/1).
  void FinishPoke();
  // Nothing when the variable is unknown.
  [[nodiscard]] std::optional<std::string> GetEnv(const std::string& name);

 private:
  [[nodiscard]] int SendCommand(const std::string& command, std::uint8_t request);
  std::unique_ptr<Transfers> phone_;
  BootInfo info_;
};

// Asks libirecovery for a phone that does not exist and sees whether the one-port view served it.
// kUsbViewNotInForce when libusb was reached another way: the worker must stop.
[[nodiscard]] Status CheckViewInForce(const std::function<std::uint64_t()>& listings_served);

}  // namespace station::boot
