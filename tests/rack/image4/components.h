#pragma once
// What a component of a build manifest is called in a ticket and inside its IM4P.

#include <string>
#include <string_view>

#include "tests/rack/wire/value.h"

namespace rack {

// The four-cc in the ticket: Info.Img4PayloadType when the manifest entry has one, else the table;
// empty when the component has none (Savage, baseband and the like).
[[nodiscard]] std::string TicketName(std::string_view component, const Value* info = nullptr);

}  // namespace rack
