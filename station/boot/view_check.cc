#include <libirecovery.h>

#include "station/boot/recovery_client.h"

namespace station::boot {

Status CheckViewInForce(const std::function<std::uint64_t()>& listings_served) {
  const std::uint64_t before = listings_served();
  irecv_client_t raw = nullptr;
  if (irecv_open_with_ecid(&raw, 1) == IRECV_E_SUCCESS) irecv_close(raw);
  if (listings_served() == before)
    return Fail(ErrorCode::kUsbViewNotInForce,
                "libirecovery reaches libusb past the one-port view");
  return {};
}

}  // namespace station::boot
