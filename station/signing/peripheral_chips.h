#pragma once
// The chips whose requests are known by name (restore-protocol 5.5), as rows of a table.

#include <cstdint>
#include <span>
#include <string_view>

#include "station/base/result.h"
#include "station/signing/peripheral_request.h"
#include "station/signing/request_fields.h"

namespace station::signing {

// What is done with the manifest entries of a chip's prefix.
enum class Entries : std::uint8_t {
  kNone,
  kByRules,           // Info removed, rules applied
  kProductionMarked,  // Info removed, EPRO as the chip's production mode
  kForOneFuse,        // Info and the keys of the other fuse mode removed
};

struct Chip {
  std::string_view name;       // of the updater; "Yonkers" is one of Savage's
  const char* flag = nullptr;  // beside @BBTicket
  std::span<const Field> fields{};
  std::string_view prefix{};  // of its manifest entries
  Entries entries = Entries::kNone;
  bool retail_rules = false;  // rules see a retail phone; otherwise only what the phone itself says
  bool copy_prefixed = false;   // its keys are whatever carries the prefix
  bool generated_only = false;  // where the phone generated a request, MessageArgInfo adds nothing
  bool generic_where_generated = false;  // where the phone generated a request, that is all of it
  // What a table cannot say: before what the phone generated is merged in, and after it.
  Status (*choose)(const PeripheralInput&, PeripheralRequest&) = nullptr;
  Status (*finish)(const PeripheralInput&, PeripheralRequest&) = nullptr;
};

[[nodiscard]] std::span<const Chip> Chips();

}  // namespace station::signing
