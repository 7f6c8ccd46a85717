// com.apple.mobile.diagnostics_relay (device-services 4.1).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tests/rack/lockdown/registry.h"
#include "tests/rack/lockdown/services.h"
#include "tests/rack/lockdown/values.h"

namespace rack {
namespace {

// A host that does not want to be waited for still says Goodbye.
constexpr std::chrono::milliseconds kLastWords{500};

Value Success() { return Value::Dict{{"Status", "Success"}}; }

Value Success(const char* what, Value content) {
  return Value::Dict{{"Status", "Success"},
                     {"Diagnostics", Value::Dict{{what, std::move(content)}}}};
}

Value Gauge(const ServiceCall&, const Value&) { return Success("GasGauge", GasGauge()); }
Value Wifi(const ServiceCall&, const Value&) {
  return Success("WiFi", Value::Dict{{"Active", true}, {"Status", "Success"}});
}
Value Nand(const ServiceCall&, const Value&) {
  return Success("NAND", Value::Dict{{"Status", "UnknownRequest"}});
}
Value Hdmi(const ServiceCall&, const Value&) {
  return Success("HDMI", Value::Dict{{"Connection", "Not Connected"}, {"Status", "Success"}});
}

Value All(const ServiceCall& call, const Value& request) {
  Value all = Value::Dict{};
  for (const auto one : {Gauge, Hdmi, Nand, Wifi}) {
    const Value answer = one(call, request);
    for (const auto& [name, content] : *answer.Find("Diagnostics")->AsDict())
      all.Set(name, content);
  }
  return Value::Dict{{"Status", "Success"}, {"Diagnostics", std::move(all)}};
}

Value Registry(const ServiceCall& call, const Value& request) {
  const PhoneSpec& spec = call.phone.Spec();
  if (const std::string plane = request.Text("CurrentPlane"); !plane.empty())
    return Success("IORegistry", RegistryPlane(spec, plane));
  // No such entry is an empty one.
  return Success("IORegistry", RegistryEntry(spec, call.phone.State(), request.Text("EntryName"),
                                             request.Text("EntryClass"))
                                   .value_or(Value()));
}

// From iOS 17.4 on nothing is told any more.
bool GestaltIsOver(const std::string& version) {
  char* rest = nullptr;
  const unsigned long major = std::strtoul(version.c_str(), &rest, 10);
  const unsigned long minor = *rest == '.' ? std::strtoul(rest + 1, nullptr, 10) : 0;
  return major > 17 || (major == 17 && minor >= 4);
}

Value Gestalt(const ServiceCall& call, const Value& request) {
  const PhoneState state = call.phone.State();
  if (GestaltIsOver(state.os_version))
    return Success("MobileGestalt", Value::Dict{{"Status", "MobileGestaltDeprecated"}});
  Value known = SessionValues(call.phone.Spec(), state);
  known.Set("PasswordConfigured", state.ios.passcode);
  known.Set("BatteryCurrentCapacity", state.battery);
  Value told = Value::Dict{{"Status", "Success"}};
  if (const Value* keys = request.Find("MobileGestaltKeys"); keys != nullptr && keys->AsArray())
    for (const Value& key : *keys->AsArray())
      if (const Value* value = key.AsText() ? known.Find(*key.AsText()) : nullptr)
        told.Set(*key.AsText(), *value);
  return Success("MobileGestalt", std::move(told));
}

Value Nothing(const ServiceCall&, const Value&) { return Success(); }

struct Row {
  std::string_view request;
  Value (*answer)(const ServiceCall&, const Value&);
  std::optional<Event> brings = std::nullopt;  // once the host has let go
};

constexpr auto kRequests = std::to_array<Row>({
    {"All", All},
    {"GasGauge", Gauge},
    {"WiFi", Wifi},
    {"NAND", Nand},
    {"HDMI", Hdmi},
    {"IORegistry", Registry},
    {"MobileGestalt", Gestalt},
    {"Restart", Nothing, Event::kReboot},
    {"Shutdown", Nothing, Event::kPowerOff},
    {"Sleep", Nothing},
    {"Goodbye", Nothing},
});

}  // namespace

void ServeDiagnostics(const ServiceCall& call) {
  std::optional<Event> coming;
  std::chrono::milliseconds patience = kForever;
  while (const auto request = ReadFrame(call.stream, patience)) {
    const std::string name = request->Text("Request");
    const auto row = std::ranges::find(kRequests, name, &Row::request);
    const bool known = row != kRequests.end();
    if (known && row->brings) {
      coming = row->brings;
      patience = request->Flag("WaitForDisconnect") ? kForever : kLastWords;
    }
    const Value answer =
        known ? row->answer(call, *request) : Value::Dict{{"Status", "UnknownRequest"}};
    if (!WriteFrame(call.stream, answer) || name == "Goodbye") break;
  }
  if (coming) call.phone.Ask(*coming, call.boot_number);
}

}  // namespace rack
