#pragma once
// A phone in DFU or recovery mode, opened through libirecovery on the worker's own port.
// libirecovery finds it, claims it and reads its strings; the transfers are ours, because the
// library drops the results of half of them and waits where a job could not be cancelled.

#include <memory>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/boot/boot_info.h"
#include "station/boot/transfers.h"

struct irecv_client_private;

namespace station::boot {

class OpenedPhone final : public Transfers {
 public:
  // kRecoveryOpen when it is not there, in another mode, or cannot be claimed; kPhoneMismatch.
  [[nodiscard]] static Result<std::unique_ptr<OpenedPhone>> Open(Ecid ecid);

  [[nodiscard]] const BootInfo& Info() const { return info_; }
  [[nodiscard]] bool InDfu() const { return in_dfu_; }

  [[nodiscard]] int Control(const ControlSetup& setup, std::span<std::uint8_t> data) override;
  [[nodiscard]] int BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
                            std::chrono::milliseconds timeout) override;
  void ResetPort() override;

 private:
  struct Close {
    void operator()(irecv_client_private* client) const noexcept;
  };
  OpenedPhone() = default;
  std::unique_ptr<irecv_client_private, Close> client_;
  BootInfo info_;
  bool in_dfu_ = false;
};

}  // namespace station::boot
