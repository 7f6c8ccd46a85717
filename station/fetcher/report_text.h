#pragma once
// An entry and foreign text as they may be printed.

#include <string>
#include <string_view>

#include "station/fetcher/find.h"
#include "station/store/keeper/entry.h"

namespace station::fetcher {

// One JSON object on one line.
[[nodiscard]] std::string EntryAsJson(const store::Entry& entry);
[[nodiscard]] std::string OfferAsJson(const FoundOffer& offer);
// What is not printable ASCII becomes '?': names come from hostile archives, and a protobuf string
// must be UTF-8.
[[nodiscard]] std::string Printable(std::string_view text);

}  // namespace station::fetcher
