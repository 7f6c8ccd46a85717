#include "scheduler/blame.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "scheduler/budgets.h"

namespace station::scheduler {
namespace {

using Facts = std::vector<const AttemptFact*>;

bool Well(const AttemptFact& fact) { return fact.error == ErrorCode::kNone; }

// "1:4.2" belongs to the hub "1:4"; what hangs at a root hub blames the controller.
std::string HubOf(const PortKey& port) {
  const auto hubs = HubsOf(port);
  return hubs.empty() ? ControllerOf(port) : hubs.back();
}

// `others_did_well`: whether what this attempt was about did well without the suspect.
template <typename OthersDidWell>
Count CountOf(const Facts& facts, OthersDidWell others_did_well) {
  Count count;
  std::set<Ecid> failed;
  std::set<Ecid> elsewhere;
  for (const AttemptFact* fact : facts) {
    ++count.attempts;
    if (Well(*fact)) continue;
    ++count.failures;
    failed.insert(fact->ecid);
    if (others_did_well(*fact)) elsewhere.insert(fact->ecid);
  }
  count.phones_failed = failed.size();
  count.elsewhere = elsewhere.size();
  return count;
}

}  // namespace

std::string_view Name(Suspect suspect) {
  switch (suspect) {
    case Suspect::kPort:
      return "port";
    case Suspect::kHub:
      return "hub";
    case Suspect::kPhone:
      return "phone";
    case Suspect::kFirmware:
      return "firmware";
  }
  return "unknown";
}

bool CountsForBlame(ErrorCode error) {
  if (error == ErrorCode::kNone) return true;
  const ErrorClass error_class = Info(error).error_class;
  return error_class == ErrorClass::kCable || error_class == ErrorClass::kPhone;
}

Blame::Blame(std::span<const AttemptFact> facts, const Services& services) {
  std::map<Suspect, std::map<std::string, Facts>> groups;
  std::map<Ecid, std::set<PortKey>> well_on;   // phone: ports
  std::map<PortKey, std::set<Ecid>> well_for;  // port: phones
  for (const AttemptFact& fact : facts) {
    if (!CountsForBlame(fact.error)) continue;
    if (Well(fact)) {
      well_on[fact.ecid].insert(fact.port);
      well_for[fact.port].insert(fact.ecid);
    }
    const auto serviced = services.find(fact.port);
    if (serviced == services.end() || fact.ended > serviced->second) {
      groups[Suspect::kPort][fact.port.value].push_back(&fact);
      groups[Suspect::kHub][HubOf(fact.port)].push_back(&fact);
    }
    groups[Suspect::kPhone][ToString(fact.ecid)].push_back(&fact);
    if (!fact.firmware.empty()) groups[Suspect::kFirmware][fact.firmware].push_back(&fact);
  }
  const auto phone_elsewhere = [&](const AttemptFact& fact) {
    const auto found = well_on.find(fact.ecid);
    return found != well_on.end() &&
           std::ranges::any_of(found->second, [&](const PortKey& p) { return p != fact.port; });
  };
  const auto phone_behind_another_hub = [&](const AttemptFact& fact) {
    const auto found = well_on.find(fact.ecid);
    return found != well_on.end() && std::ranges::any_of(found->second, [&](const PortKey& p) {
             return HubOf(p) != HubOf(fact.port);
           });
  };
  const auto others_on_its_port = [&](const AttemptFact& fact) {
    const auto found = well_for.find(fact.port);
    return found != well_for.end() &&
           std::ranges::any_of(found->second, [&](Ecid ecid) { return ecid != fact.ecid; });
  };
  for (const Suspect suspect : kAllSuspects) {
    counts_[suspect];
    for (auto& [name, group] : groups[suspect]) {
      std::ranges::stable_sort(group, {}, &AttemptFact::ended);
      if (suspect == Suspect::kPort && group.size() > kLast)
        group.erase(group.begin(), group.end() - kLast);
      counts_[suspect][name] = suspect == Suspect::kPort  ? CountOf(group, phone_elsewhere)
                               : suspect == Suspect::kHub ? CountOf(group, phone_behind_another_hub)
                               : suspect == Suspect::kPhone
                                   ? CountOf(group, others_on_its_port)
                                   : CountOf(group, [](const AttemptFact&) { return false; });
    }
  }
}

Count Blame::OfPort(const PortKey& port) const {
  const auto& ports = counts_.at(Suspect::kPort);
  const auto found = ports.find(port.value);
  return found == ports.end() ? Count{} : found->second;
}

bool Blame::IsBad(const Count& count) {
  return count.failures >= kFewest && count.failures * 2 > count.attempts &&
         (count.elsewhere > 0 || count.phones_failed > 1);
}

std::string BlameText(const Count& count) {
  if (count.failures == 0) return {};
  std::string text = std::to_string(count.failures) + " of " + std::to_string(count.attempts) +
                     (count.attempts == 1 ? " attempt failed" : " attempts failed");
  if (count.elsewhere > 0)
    text +=
        "; of " + std::to_string(count.phones_failed) +
        (count.phones_failed == 1 ? " phone that failed here, " : " phones that failed here, ") +
        std::to_string(count.elsewhere) + " did well elsewhere";
  else if (count.phones_failed > 1)
    text += ", of " + std::to_string(count.phones_failed) + " phones";
  return text;
}

}  // namespace station::scheduler
