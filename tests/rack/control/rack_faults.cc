// Faults on command: whom they befall, and where they are carried out.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/rack/control/rack.h"
#include "tests/rack/restore/story.h"
#include "tests/rack/signer/switch.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;

constexpr FaultLine kSwap = {"swap OTHER", "the two phones change ports"};
constexpr FaultLine kClearAll = {"none", "clears the faults of everything"};

struct Group {
  std::string_view target;  // as the command line names it
  std::vector<FaultLine> lines;
};

std::vector<Group> Groups() {
  std::vector<FaultLine> phone = PhoneFaultLines();
  phone.push_back(kSwap);
  return {{"PHONE", std::move(phone)}, {"signer", SignerFaultLines()}, {"all", {kClearAll}}};
}

}  // namespace

std::string FaultHelp() {
  std::string help;
  for (const Group& group : Groups()) {
    help += fmt::format("\nfault {} ...\n", group.target);
    for (const FaultLine& line : group.lines)
      help += fmt::format("  {:<32} {}{}\n", line.usage, line.does,
                          line.until.empty() ? "" : fmt::format(" [until: {}]", line.until));
  }
  return help;
}

station::Status Rack::Fault(const std::string& target, const std::vector<std::string>& words) {
  if (target == "signer") return FaultSigner(words);
  if (target == "all") return ClearFaults(words);
  Phone* phone = FindPhone(target);
  if (phone == nullptr) return Fail(ErrorCode::kBadRequest, "no phone " + target);
  return FaultPhone(*phone, words);
}

station::Status Rack::FaultSigner(const std::vector<std::string>& words) {
  SignerFaults faults = signer_->Faults();
  STATION_CHECK(SwitchSigner(faults, words));
  signer_->SetFaults(faults);
  return {};
}

station::Status Rack::FaultPhone(Phone& phone, const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == kSwap.Name()) return SwapPorts(phone, words[1]);
  if (words.size() > 1 && words[0] == "unplug-at-step") {
    const std::vector<std::string> steps = RestoreStepNames();
    if (std::ranges::find(steps, words[1]) == steps.end())
      return Fail(ErrorCode::kBadRequest, fmt::format("steps are: {}", fmt::join(steps, " ")));
  }
  return phone.SetFault(words);
}

station::Status Rack::ClearFaults(const std::vector<std::string>& words) {
  if (words.size() != 1 || words[0] != kClearAll.Name())
    return Fail(ErrorCode::kBadRequest, "usage: fault all none");
  STATION_CHECK(FaultSigner(words));
  for (const auto& phone : phones_) STATION_CHECK(phone->SetFault(words));
  return {};
}

station::Status Rack::SwapPorts(Phone& one, const std::string& other_name) {
  Phone* other = FindPhone(other_name);
  if (other == nullptr || other == &one)
    return Fail(ErrorCode::kBadRequest, "no other phone " + other_name);
  const station::PortPath first = one.State().port;
  const station::PortPath second = other->State().port;
  // Both must be off before either is on: a port holds one phone.
  for (auto& gone : {one.Ask(Phone::Wish::Kind::kUnplug).share(),
                     other->Ask(Phone::Wish::Kind::kUnplug).share()})
    gone.wait_for(kActionPatience);
  one.Ask(Phone::Wish{.kind = Phone::Wish::Kind::kMove, .port = second});
  other->Ask(Phone::Wish{.kind = Phone::Wish::Kind::kMove, .port = first});
  for (auto& back :
       {one.Ask(Phone::Wish::Kind::kPlug).share(), other->Ask(Phone::Wish::Kind::kPlug).share()})
    back.wait_for(kActionPatience);
  return {};
}

}  // namespace rack
