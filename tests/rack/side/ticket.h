#pragma once
// A ticket for a chip beside the application processor (SE, Savage, baseband, ...). What Apple's
// servers sign for those differs from chip to chip and is mostly unknown; the rack signs one form
// of its own: an IM4M without components, whose MANP carries the ticket's name and, as a property
// list, every value it binds.

#include <expected>
#include <span>
#include <string_view>

#include "tests/rack/image4/root.h"
#include "tests/rack/image4/signing_keys.h"
#include "tests/rack/model/refusal.h"
#include "tests/rack/wire/value.h"

namespace rack {

[[nodiscard]] Bytes WriteSideTicket(const SigningKeys& keys, std::string_view name,
                                    const Value& bound);
// The values a ticket of that name binds. kUpdaterTicket when it is no such ticket, or was signed
// by somebody else.
[[nodiscard]] std::expected<Value, Refusal> ReadSideTicket(const RootOfTrust& root,
                                                           std::span<const std::uint8_t> bytes,
                                                           std::string_view name);

}  // namespace rack
