#pragma once
// One phone in DFU mode: the boot ROM, or an iBSS that stayed there (restore-protocol 2.6, 2.7).

#include <memory>

#include "station/base/byte_source.h"
#include "station/base/ids.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/boot/boot_info.h"
#include "station/boot/transfers.h"

namespace station::boot {

class DfuClient {
 public:
  // As RecoveryClient::Open, for DFU mode.
  [[nodiscard]] static Result<DfuClient> Open(Ecid ecid);
  DfuClient(std::unique_ptr<Transfers> phone, BootInfo info)
      : phone_(std::move(phone)), info_(std::move(info)) {}

  [[nodiscard]] const BootInfo& Info() const { return info_; }
  // Sends a whole IMG4 and starts it: the phone leaves the bus and comes back as what it was sent,
  // or in DFU mode with its ROM's version shown when it refused it. kRecoveryUpload, and what
  // `control` says.
  [[nodiscard]] Status Start(const ByteSource& image, JobControl& control);

 private:
  std::unique_ptr<Transfers> phone_;
  BootInfo info_;
};

}  // namespace station::boot
