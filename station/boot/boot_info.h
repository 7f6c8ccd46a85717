#pragma once
// What a phone in DFU or recovery mode says about itself when it is opened
// (restore-protocol 1.2, 1.3).

#include <cstdint>
#include <string>
#include <vector>

#include "station/base/ids.h"

namespace station::boot {

struct BootInfo {
  Ecid ecid;
  std::uint32_t chip_id = 0;           // CPID
  std::uint32_t chip_revision = 0;     // CPRV
  std::uint32_t board_id = 0;          // BDID
  std::uint32_t fuses = 0;             // CPFM: bit 0 security mode, bit 1 production mode
  std::uint32_t security_epoch = 0;    // SCEP
  std::uint32_t iboot_flags = 0;       // IBFL
  std::string serial_number;           // SRNM, recovery mode only
  std::string rom;                     // SRTG, boot ROM only: "iBoot-6338.0.0.200.19"
  std::vector<std::uint8_t> ap_nonce;  // empty when it gives none
  std::vector<std::uint8_t> sep_nonce;

  [[nodiscard]] bool TakesImage4() const { return (iboot_flags & 0x04U) != 0; }
  // Only the boot ROM shows its version: with it, no iBSS runs (restore-protocol 1.2).
  [[nodiscard]] bool InBootRom() const { return !rom.empty(); }
};

}  // namespace station::boot
