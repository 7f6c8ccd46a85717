#pragma once
// Tells a service manager how this service is, in systemd's datagram protocol.

#include <string_view>

namespace station::daemon {

// To $NOTIFY_SOCKET; without one nothing happens. "READY=1", "STOPPING=1".
void NotifyServiceManager(std::string_view state);

}  // namespace station::daemon
