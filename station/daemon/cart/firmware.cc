#include "station/daemon/cart/firmware.h"

#include <algorithm>
#include <cctype>

#include "station/base/ids.h"

namespace station::daemon {

Status FirmwareChoice::Refresh() {
  STATION_TRY(entries, shelf_.List());
  entries_ = std::move(entries);
  quarantined_ = shelf_.InQuarantine();
  return {};
}

bool FirmwareChoice::Has(const Sha256Digest& sha256) const {
  return !Withheld(sha256) &&
         std::ranges::find(entries_, sha256, &store::Entry::sha256) != entries_.end();
}

ErrorCode FirmwareChoice::WhyNone(std::string_view prefix, std::string_view product) const {
  const bool rotted = std::ranges::any_of(quarantined_, [&](const store::Quarantined& one) {
    return one.entry.Supports(product) && ToHex(one.entry.sha256).starts_with(prefix);
  });
  return rotted ? ErrorCode::kFirmwareRotted : ErrorCode::kFirmwareAbsent;
}

Result<store::Entry> FirmwareChoice::Choose(std::string_view wanted,
                                            std::string_view product) const {
  std::string prefix(wanted);
  std::ranges::transform(prefix, prefix.begin(), [](unsigned char c) { return std::tolower(c); });
  const store::Entry* found = nullptr;
  for (const store::Entry& entry : entries_) {
    if (prefix.empty()) {
      if (entry.Supports(product)) return entry;
      continue;
    }
    if (!ToHex(entry.sha256).starts_with(prefix)) continue;
    if (found != nullptr)
      return Fail(ErrorCode::kFirmwareAmbiguousIdentity, "several firmwares begin with " + prefix);
    found = &entry;
  }
  if (found == nullptr)
    return Fail(WhyNone(prefix, product), prefix.empty() ? "no firmware for " + std::string(product)
                                                         : "no firmware begins with " + prefix);
  if (!found->Supports(product))
    return Fail(ErrorCode::kFirmwareNoIdentity,
                "firmware " + prefix + " is not for " + std::string(product));
  return *found;
}

std::string VersionText(const store::Entry& entry) {
  return entry.version + " (" + entry.build + ")";
}

}  // namespace station::daemon
