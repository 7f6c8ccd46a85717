#pragma once
// What a phone is sent from DFU or recovery mode up to the restore OS, in order, with the commands
// around each upload (restore-protocol 2.4, 2.7). The worker sends it, `stationctl firmware
// inspect` shows it.

#include <chrono>
#include <string>
#include <vector>

#include "station/firmware/build_manifest.h"

namespace station::firmware {

enum class BootStage : std::uint8_t {
  kRom,    // DFU mode: a download, started by a port reset
  kIboot,  // recovery mode, or iBSS: an upload and `go`
  kIbec,   // the restore's own iBoot
};

struct BootItem {
  BootStage stage;
  std::string component;
  std::string before;   // command sent before the upload; its answer does not matter. Empty: none
  std::string between;  // the same, between the upload and its use
  std::string use;      // what takes the upload
  std::string after;    // command that must succeed
  std::chrono::milliseconds rest{0};
};

// Components the identity lacks are left out; an essential one that is missing is
// kFirmwareMemberMissing.
[[nodiscard]] Result<std::vector<BootItem>> BootOrder(const Identity& identity);

}  // namespace station::firmware
