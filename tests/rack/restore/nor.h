#pragma once
// Writing boot firmware, and the cable that a fault pulls meanwhile.

#include <expected>
#include <set>
#include <string>
#include <string_view>

#include "tests/rack/image4/ticket.h"
#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"

namespace rack {

// What faults call the time while boot firmware is written.
inline constexpr std::string_view kFlashing = "flash";

// Pulls the cable when a fault wants it at this step, and then says so.
[[nodiscard]] std::expected<void, Refusal> PullCableAt(Phone& phone, Attachment& attachment,
                                                       std::string_view step);

// Writes verified images of these types, for as long as the cart says. A phone that loses its cable
// or its power meanwhile has half an iBoot: it starts nothing but the boot ROM's DFU mode.
[[nodiscard]] std::expected<void, Refusal> FlashNor(Phone& phone, Attachment& attachment,
                                                    const Ticket& ticket,
                                                    const std::set<std::string>& types);

}  // namespace rack
