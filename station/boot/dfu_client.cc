#include "station/boot/dfu_client.h"

#include "station/boot/dfu_download.h"
#include "station/boot/opened_phone.h"

namespace station::boot {

Result<DfuClient> DfuClient::Open(Ecid ecid) {
  STATION_TRY(phone, OpenedPhone::Open(ecid));
  if (!phone->InDfu())
    return Fail(ErrorCode::kRecoveryOpen, "the phone is in recovery mode, not in DFU mode");
  BootInfo info = phone->Info();
  return DfuClient(std::move(phone), std::move(info));
}

Status DfuClient::Start(const ByteSource& image, JobControl& control) {
  return DownloadAndStart(*phone_, image, control);
}

}  // namespace station::boot
