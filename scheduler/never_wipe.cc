#include "scheduler/never_wipe.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace station::scheduler {
namespace {

// Without dashes and case: usbmuxd writes a dash that the USB string lacks.
std::string Bare(const std::string& text) {
  std::string bare;
  for (const unsigned char c : text)
    if (c != '-') bare.push_back(static_cast<char>(std::tolower(c)));
  return bare;
}

// A UDID of 24 digits (A12 and later) ends in the ECID; one of 40 digits does not tell it.
std::optional<Ecid> EcidOfUdid(const std::string& bare_udid) {
  if (bare_udid.size() != 24) return std::nullopt;
  return ParseEcid(bare_udid.substr(8));
}

}  // namespace

Protection NeverWipeList::Of(const Candidate& phone) const {
  if (phone.ecid.Known() && std::ranges::find(ecids, phone.ecid) != ecids.end())
    return Protection::kListed;
  bool unsure = !ecids.empty() && !phone.ecid.Known();
  for (const std::string& serial : serial_numbers) {
    if (phone.serial_number.empty())
      unsure = true;
    else if (Bare(serial) == Bare(phone.serial_number))
      return Protection::kListed;
  }
  for (const std::string& udid : udids) {
    const std::string bare = Bare(udid);
    if (!phone.udid.empty()) {
      if (bare == Bare(phone.udid)) return Protection::kListed;
      continue;
    }
    const std::optional<Ecid> ecid = EcidOfUdid(bare);
    if (ecid && *ecid == phone.ecid) return Protection::kListed;
    if (!ecid || !phone.ecid.Known()) unsure = true;
  }
  return unsure ? Protection::kUnknown : Protection::kNone;
}

}  // namespace station::scheduler
