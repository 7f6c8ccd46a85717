// com.apple.mobileactivationd, as far as it tells the state (device-services 4.5). Activating needs
// Apple's server.

#include "tests/rack/lockdown/services.h"
#include "tests/rack/lockdown/values.h"

namespace rack {

void ServeActivation(const ServiceCall& call) {
  while (const auto request = ReadFrame(call.stream)) {
    const bool state = request->Text("Command") == "GetActivationStateRequest";
    const Value answer = state ? Value::Dict{{"Value", ActivationState(call.phone.State())}}
                               : Value::Dict{{"Error", "the rack has no activation server"}};
    if (!WriteBinaryFrame(call.stream, answer)) return;
  }
}

}  // namespace rack
