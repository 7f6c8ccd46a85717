#include "station/worker/port_act_job.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "station/base/ids.h"
#include "station/usb/port_act.h"
#include "station/usb/port_power.h"
#include "station/usb/view/one_port_view.h"

namespace station::worker {
namespace {

using usb::PortAct;

Result<std::vector<PortPath>> SidesOf(const v1::PortAddress& port) {
  std::vector<PortPath> sides;
  for (const std::string& text : port.paths()) {
    const auto path = ParsePortPath(text);
    if (!path || path->chain.empty()) return Fail(ErrorCode::kBadRequest, "no port: " + text);
    sides.push_back(*path);
  }
  if (sides.empty()) return Fail(ErrorCode::kBadRequest, "orders without a port path");
  return sides;
}

// The port's devices and its hubs, and nothing else, can be opened.
void ShowPortAndHubs(const std::vector<PortPath>& sides) {
  std::vector<PortPath> shown = sides;
  for (const PortPath& side : sides) shown.push_back(usb::HubOf(side));
  usb::ShowOnlyPort(shown);
}

// As the configuration has it: the operator's own command line.
Status RunCommand(const std::string& command) {
  if (command.empty()) return Fail(ErrorCode::kBadRequest, "no command is configured");
  const int status = std::system(command.c_str());
  if (status == 0) return {};
  const std::string how =
      status == -1 ? "could not be started"
                   : "ended with " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : 255);
  return Fail(ErrorCode::kPortAct, "the command " + how + ": " + command);
}

}  // namespace

Status ActOnPort(const v1::PortActOrders& orders) {
  const auto act = std::ranges::find_if(usb::kAllPortActs, [&](PortAct known) {
    return static_cast<std::uint32_t>(known) == orders.act();
  });
  if (act == usb::kAllPortActs.end())
    return Fail(ErrorCode::kBadRequest, "no act has the number " + std::to_string(orders.act()));
  if (*act == PortAct::kMuxRestart) return RunCommand(orders.command());
  STATION_TRY(sides, SidesOf(orders.port()));
  ShowPortAndHubs(sides);
  switch (*act) {
    case PortAct::kPowerOn:
      return usb::SwitchPower(sides, true);
    case PortAct::kPowerOff:
      return usb::SwitchPower(sides, false);
    case PortAct::kPowerCycle:
      return usb::CyclePower(sides, std::chrono::milliseconds(orders.off_milliseconds()));
    case PortAct::kReset:
      return usb::ResetDevice(sides);
    case PortAct::kMuxRestart:
      break;
  }
  return {};
}

}  // namespace station::worker
