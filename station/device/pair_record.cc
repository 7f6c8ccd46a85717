#include "station/device/pair_record.h"

#include <usbmuxd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace station::device {

bool HasPairRecord(const std::string& udid) {
  char* data = nullptr;
  std::uint32_t size = 0;
  const int error = usbmuxd_read_pair_record(udid.c_str(), &data, &size);
  const std::unique_ptr<char, decltype(&std::free)> guard(data, &std::free);
  return error == 0 && data != nullptr && size > 0;
}

}  // namespace station::device
