#include "tests/rack/lockdown/lockdownd.h"

#include <map>

#include "tests/rack/lockdown/values.h"

namespace rack {
namespace {

Value Answer(const Value& request) { return Value::Dict{{"Request", request.Text("Request")}}; }

Value Error(const Value& request, const char* error) {
  Value answer = Answer(request);
  answer.Set("Error", error);
  return answer;
}

Value QueryType(Phone& /*phone*/, const Value& request) {
  Value answer = Answer(request);
  answer.Set("Type", "com.apple.mobile.lockdown");
  return answer;
}

Value GetValue(Phone& phone, const Value& request) {
  const std::string domain = request.Text("Domain");
  const std::string key = request.Text("Key");
  const auto value = LockdownValue(phone, domain, key);
  Value answer = value ? Answer(request) : Error(request, "MissingValue");
  if (!domain.empty()) answer.Set("Domain", domain);
  if (!key.empty()) answer.Set("Key", key);
  if (value) answer.Set("Value", *value);
  return answer;
}

Value SetValue(Phone& /*phone*/, const Value& request) {
  if (request.Text("Key") != "UntrustedHostBUID") return Error(request, "SetProhibited");
  Value answer = Answer(request);
  answer.Set("Key", "UntrustedHostBUID");
  if (const Value* value = request.Find("Value")) answer.Set("Value", *value);
  return answer;
}

// Any error but PairingDialogResponsePending: that one makes clients ask again for ever.
Value Pair(Phone& /*phone*/, const Value& request) { return Error(request, "UserDeniedPairing"); }
Value StartSession(Phone& /*phone*/, const Value& request) {
  return Error(request, "InvalidHostID");
}
Value NeedsSession(Phone& /*phone*/, const Value& request) {
  return Error(request, "SessionInactive");
}
Value Acknowledge(Phone& /*phone*/, const Value& request) { return Answer(request); }

Value EnterRecovery(Phone& phone, const Value& request) {
  if (phone.Spec().enter_recovery_needs_session) return Error(request, "SessionInactive");
  if (phone.Faults().refuse_enter_recovery) {
    phone.Refuse({Reason::kEnterRecovery, "the refuse-enter-recovery fault is on"});
    return Error(request, "SessionInactive");
  }
  phone.Ask(Event::kEnterRecovery,
            phone.State().boot_number);  // leaves a moment later: the answer must be there first
  return Answer(request);
}

using Handler = Value (*)(Phone&, const Value&);

const std::map<std::string, Handler>& Handlers() {
  static const std::map<std::string, Handler> handlers = {
      {"QueryType", QueryType},
      {"GetValue", GetValue},
      {"SetValue", SetValue},
      {"RemoveValue", NeedsSession},
      {"Pair", Pair},
      {"ValidatePair", Pair},
      {"Unpair", Acknowledge},
      {"StartSession", StartSession},
      {"StopSession", NeedsSession},
      {"StartService", NeedsSession},
      {"EnterRecovery", EnterRecovery},
      {"Goodbye", Acknowledge},
  };
  return handlers;
}

}  // namespace

void ServeLockdown(Phone& phone, Stream& stream) {
  while (const auto request = ReadFrame(stream)) {
    const std::string name = request->Text("Request");
    const auto handler = Handlers().find(name);
    const Value answer = handler == Handlers().end() ? Error(*request, "InvalidRequest")
                                                     : handler->second(phone, *request);
    if (!WriteFrame(stream, answer) || name == "Goodbye") return;
  }
}

}  // namespace rack
