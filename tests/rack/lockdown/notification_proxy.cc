// com.apple.mobile.notification_proxy and its insecure sister (device-services 4.2).

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>

#include "tests/rack/lockdown/services.h"

namespace rack {
namespace {

// What a host the phone does not trust may hear of.
constexpr auto kInsecure = std::to_array<std::string_view>({
    "com.apple.mobile.lockdown.request_pair",
    "com.apple.mobile.lockdown.request_host_buid",
    "com.apple.mobile.lockdown.host_attached",
    "com.apple.mobile.lockdown.host_detached",
    "com.apple.mobile.lockdown.trusted_host_attached",
});

bool Open(const std::string&) { return true; }
bool OpenToAll(const std::string& name) {
  return std::ranges::find(kInsecure, name) != kInsecure.end();
}

void Obey(const ServiceCall& call, Mailbox& mailbox, bool (*allowed)(const std::string&)) {
  while (const auto request = ReadFrame(call.stream)) {
    const std::string command = request->Text("Command");
    const std::string name = request->Text("Name");
    if (command == "Shutdown") {
      WriteFrame(call.stream, Value::Dict{{"Command", "ProxyDeath"}});
      return;
    }
    if (!allowed(name)) continue;  // neither command has an answer
    if (command == "ObserveNotification") mailbox.Observe(name);
    if (command == "PostNotification") call.phone.Notices().Post(name);
  }
}

void Serve(const ServiceCall& call, bool (*allowed)(const std::string&)) {
  const std::shared_ptr<Mailbox> mailbox = call.phone.Notices().Open();
  std::thread relay([&] {
    while (const auto name = mailbox->Next())
      if (!WriteFrame(call.stream, Value::Dict{{"Command", "RelayNotification"}, {"Name", *name}}))
        return;
  });
  Obey(call, *mailbox, allowed);
  mailbox->Close();
  call.stream.Shutdown();  // a host that does not read must not hold the relay
  relay.join();
}

}  // namespace

void ServeNotifications(const ServiceCall& call) { Serve(call, Open); }
void ServeInsecureNotifications(const ServiceCall& call) { Serve(call, OpenToAll); }

}  // namespace rack
