#include "tests/rack/lockdown/services.h"

#include <algorithm>
#include <array>

namespace rack {
namespace {

constexpr auto kServices = std::to_array<Service>({
    {"com.apple.mobile.diagnostics_relay", ServeDiagnostics},
    {"com.apple.iosdiagnostics.relay", ServeDiagnostics},
    {"com.apple.mobile.notification_proxy", ServeNotifications},
    {.name = "com.apple.mobile.insecure_notification_proxy",
     .serve = ServeInsecureNotifications,
     .without_session = true},
    {"com.apple.mobile.heartbeat", ServeHeartbeat},
    {"com.apple.mobileactivationd", ServeActivation},
    {.name = "com.apple.preboardservice_v2", .serve = ServePreboard, .while_locked = false},
    {"com.apple.syslog_relay", ServeSyslog},
});

}  // namespace

const Service* FindService(std::string_view name) {
  const auto found = std::ranges::find(kServices, name, &Service::name);
  return found == kServices.end() ? nullptr : &*found;
}

}  // namespace rack
