#pragma once
// Tickets for the chips beside the application processor: what a request must hold (reference 5.5),
// what it is refused with (5.6), and what the answer binds.

#include <expected>
#include <string>
#include <string_view>

#include "tests/rack/image4/signing_keys.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct SigningRefusal {
  int status = 94;
  std::string reason;  // for the log; clients see the status and its text
};

// Adds every ticket the request asks for, and the baseband's blobs. `refused_updater` is the fault
// of that name: the updater, as FirmwareUpdaterData calls it, or "Baseband", that gets a 94.
[[nodiscard]] std::expected<void, SigningRefusal> AddPeripheralTickets(
    const Value& request, const SigningKeys& keys, std::string_view refused_updater, Value& answer);

// Whether the fault may be set for it.
[[nodiscard]] bool IsUpdaterName(std::string_view name);

}  // namespace rack
