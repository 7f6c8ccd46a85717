// Faults on command: whom they befall, and where they are carried out.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/rack/control/rack.h"
#include "tests/rack/restore/story.h"
#include "tests/rack/signer/switch.h"
#include "tests/rack/usb/port_names.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;

constexpr FaultLine kSwap = {"swap OTHER", "the two phones change ports"};
constexpr FaultLine kHub = {
    "PORT off|on", "everything behind that port loses its power at once; comes back one by one",
    "switched on"};
constexpr FaultLine kClearAll = {"none", "clears the faults of everything"};

// How far apart phones come up when their hub has power again.
constexpr std::chrono::milliseconds kStagger{300};

// Whether the phone shows itself on that side of its port.
bool CarriesData(const Phone& phone, const station::PortPath& side) {
  const PhoneState state = phone.State();
  const bool on_super =
      phone.Spec().super_speed && (state.stage == Stage::kNormal || state.stage == Stage::kRestore);
  return (on_super ? Companion(state.port) : state.port) == side;
}

struct Group {
  std::string_view target;  // as the command line names it
  std::vector<FaultLine> lines;
};

std::vector<Group> Groups() {
  std::vector<FaultLine> phone = PhoneFaultLines();
  phone.push_back(kSwap);
  return {{"PHONE", std::move(phone)},         {"signer", SignerFaultLines()},
          {"mux", MuxFront::FaultLines()},     {"hub", {kHub}},
          {"downloads", DownloadFaultLines()}, {"all", {kClearAll}}};
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
  if (target == "mux") return mux_.Fault(words);
  if (target == "hub") return FaultHub(words);
  if (target == "downloads") return downloads_->SetFault(words);
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
  if (words.size() > 1 && words[0].ends_with("-at-step")) {
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
  STATION_CHECK(mux_.Fault(words));
  STATION_CHECK(downloads_->SetFault(words));
  for (const std::string& hub : DarkHubs()) STATION_CHECK(FaultHub({hub, "on"}));
  for (const auto& phone : phones_) STATION_CHECK(phone->SetFault(words));
  return {};
}

station::Status Rack::FaultHub(const std::vector<std::string>& words) {
  const auto hub = words.empty() ? std::nullopt : station::ParsePortPath(words[0]);
  const bool on = words.size() == 2 && words[1] == "on";
  if (!hub || words.size() != 2 || (!on && words[1] != "off"))
    return Fail(ErrorCode::kBadRequest, fmt::format("usage: fault hub {}", kHub.usage));
  return SwitchHub(*hub, on);
}

std::vector<Phone*> Rack::Behind(const station::PortPath& hub) const {
  std::vector<Phone*> phones;
  for (const auto& phone : phones_) {
    const station::PortPath port = phone->State().port;
    const bool below = port.bus == hub.bus && port.chain.size() >= hub.chain.size() &&
                       std::equal(hub.chain.begin(), hub.chain.end(), port.chain.begin());
    if (below) phones.push_back(phone.get());
  }
  return phones;
}

std::vector<std::string> Rack::DarkHubs() {
  const std::lock_guard lock(hubs_mutex_);
  std::vector<std::string> hubs;
  for (const auto& [hub, phones] : dark_hubs_) hubs.push_back(hub);
  return hubs;
}

// To a phone, which has a battery, it is the same as a pulled cable: it goes on with what it can do
// without a host.
station::Status Rack::SwitchHub(const station::PortPath& hub, bool on) {
  const std::vector<Phone*> behind = Behind(hub);
  if (behind.empty()) return Fail(ErrorCode::kBadRequest, "no phone behind " + ToString(hub));
  std::vector<std::future<void>> done;
  const std::lock_guard lock(hubs_mutex_);
  if (!on) {
    std::vector<Phone*>& dark = dark_hubs_[ToString(hub)];
    for (Phone* phone : behind)
      if (phone->State().plugged) dark.push_back(phone);
    for (Phone* phone : behind) done.push_back(phone->Ask(Phone::Wish::Kind::kUnplug));
  } else {
    const auto dark = dark_hubs_.extract(ToString(hub));
    auto after = std::chrono::milliseconds(0);
    for (Phone* phone : dark ? dark.mapped() : behind) {
      done.push_back(
          phone->Ask(Phone::Wish{.kind = Phone::Wish::Kind::kPlugLater, .after = after}));
      after += kStagger;
    }
  }
  for (auto& one : done) one.wait_for(kActionPatience);
  return {};
}

// A host switched one side of a port. A side alone cuts the data only of a phone that is on it, and
// the other one goes on feeding it.
void Rack::OnPortPower(const station::PortPath& side, bool on, bool fed) {
  const std::lock_guard lock(hubs_mutex_);
  for (const auto& phone : phones_) {
    const station::PortPath port = phone->State().port;
    if (port != side && Companion(port) != side) continue;
    if (!fed) phone->LosePower();
    const bool carries = phone->State().plugged && (!fed || CarriesData(*phone, side));
    if (!on && carries && cut_off_.insert(phone.get()).second)
      phone->Ask(Phone::Wish::Kind::kUnplug);
    if (on && CarriesData(*phone, side) && cut_off_.erase(phone.get()) > 0)
      phone->Ask(Phone::Wish::Kind::kPlug);
  }
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
