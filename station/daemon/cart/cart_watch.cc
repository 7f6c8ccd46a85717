// What happens around the ports: phones usbmuxd does not list, hubs that go away as a whole.

#include <algorithm>

#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto kRestartsApart = 10min;  // a restart that did not help will not help at once again
constexpr auto kTogether = 1500ms;      // a hub's phones leave one by one
constexpr auto kStayAway = 3s;          // longer than most take to re-enumerate

std::string HubOf(const PortKey& key) {
  const auto hubs = scheduler::HubsOf(key);
  return hubs.empty() ? scheduler::ControllerOf(key) : hubs.back();
}

// Restores send their phones away at these steps.
bool MayLeave(const PortView& view) {
  if (view.state != PortState::kWorking && view.state != PortState::kCancelling) return false;
  return view.progress.step != Step::kStream;
}

}  // namespace

void Cart::NotListed(Port& port) {
  port.view.unlisted = true;
  LogError(LogLevel::kWarning, "a phone is on USB but not in usbmuxd",
           {ErrorCode::kPhoneNotListed, {}}, {{"port", port.view.label}});
  Changed(port);
  const bool lately =
      mux_restarted_ != SteadyTime{} && parts_.clock.Now() - mux_restarted_ < kRestartsApart;
  if (settings_.mux_restart_command.empty() || mux_restarting_ || lately || OthersRestore(port))
    return;
  mux_restarted_ = parts_.clock.Now();
  StartAct(port, usb::PortAct::kMuxRestart, [](const Ended&) {});
}

void Cart::Missed(const Port& port) {
  if (MayLeave(port.view) || port.acting) return;
  missed_[port.view.key] = parts_.clock.Now();
  if (!losses_.Running()) losses_.Set(kStayAway, [this] { CountLosses(); });
}

// All phones of a hub, two or more, gone at once and still away: one event, the hub's.
void Cart::CountLosses() {
  std::map<std::string, std::vector<SteadyTime>> gone;
  for (const auto& [key, at] : std::exchange(missed_, {}))
    if (!PortFor(key).usb) gone[HubOf(key)].push_back(at);
  for (auto& [hub, times] : gone) {
    const auto [first, last] = std::ranges::minmax(times);
    const bool others_stay = std::ranges::any_of(ports_, [&, h = hub](const auto& entry) {
      return entry.second.usb && HubOf(entry.first) == h;
    });
    if (times.size() < 2 || others_stay || last - first > kTogether) continue;
    LogError(LogLevel::kError, "all phones of a hub are gone at once", {ErrorCode::kPhoneGone, {}},
             {{"hub", hub}, {"phones", std::to_string(times.size())}});
    parts_.ledger.Append({Event("hub_lost", {}, nullptr, hub)});
    parts_.observer.OnHubLost(hub, times.size());
  }
}

}  // namespace station::daemon
