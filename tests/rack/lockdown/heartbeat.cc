// com.apple.mobile.heartbeat: the phone calls, the host has to answer (device-services 4.8).

#include <array>

#include "tests/rack/lockdown/services.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kInterval{10};

}  // namespace

void ServeHeartbeat(const ServiceCall& call) {
  const Value marco =
      Value::Dict{{"Command", "Marco"}, {"Interval", std::uint64_t{kInterval.count()}}};
  while (WriteFrame(call.stream, marco)) {
    const auto answer = ReadFrame(call.stream, kInterval);
    if (!answer || answer->Text("Command") != "Polo") {
      WriteFrame(call.stream, Value::Dict{{"Command", "SleepyTime"}});
      return;
    }
    std::array<std::uint8_t, 1> unasked;
    if (call.stream.ReadSome(unasked, kInterval)) return;  // the host is gone, or out of turn
  }
}

}  // namespace rack
