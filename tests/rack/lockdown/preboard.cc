// com.apple.preboardservice_v2: the passcode is asked for before an update, so that its restore can
// keep the data of a phone that then cannot ask (reference 1.7).

#include <array>

#include "tests/rack/lockdown/services.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kPasscodePatience{120};
constexpr std::chrono::milliseconds kLook{100};

bool Tell(const ServiceCall& call, Value::Dict message) {
  return WriteBinaryFrame(call.stream, Value(std::move(message)));
}

// Until the user has typed it; false when that took too long, or will not happen.
bool AwaitPasscode(const ServiceCall& call) {
  switch (call.phone.Spec().trust) {
    case Trust::kTrusted:
      return true;
    case Trust::kDenied:
      return false;
    case Trust::kAsk:
      break;
  }
  const std::uint64_t before = call.phone.State().passcodes_given;
  const auto deadline = std::chrono::steady_clock::now() + kPasscodePatience;
  std::array<std::uint8_t, 1> unasked;  // also how the end of the connection shows itself
  while (std::chrono::steady_clock::now() < deadline && !call.stream.ReadSome(unasked, kLook))
    if (call.phone.State().passcodes_given > before) return true;
  return false;
}

bool Create(const ServiceCall& call) {
  const PhoneState state = call.phone.State();
  if (!state.ios.passcode || !state.user_data_present) return Tell(call, {{"Skip", true}});
  if (!Tell(call, {{"ShowDialog", true}})) return false;
  if (!AwaitPasscode(call)) return Tell(call, {{"Timeout", true}});
  call.phone.ChangeAndSave([](PhoneState& phone) { phone.ios.stashbag_created = true; });
  return Tell(call, {{"HideDialog", true}});
}

bool Commit(const ServiceCall& call) {
  if (!call.phone.State().ios.stashbag_created)
    return Tell(call, {{"Error", true}, {"ErrorString", "no stashbag was created"}});
  call.phone.ChangeAndSave([](PhoneState& phone) { phone.ios.stashbag_committed = true; });
  return Tell(call, {{"StashbagCommitComplete", true}});
}

bool Obey(const ServiceCall& call, const Value& request) {
  const std::string command = request.Text("Command");
  if (request.Find("Manifest") == nullptr)
    return Tell(call, {{"Error", true}, {"ErrorString", "no Manifest"}});
  if (command == "CreateStashbag") return Create(call);
  if (command == "CommitStashbag") return Commit(call);
  return Tell(call, {{"Error", true}, {"ErrorString", "unknown command " + command}});
}

}  // namespace

void ServePreboard(const ServiceCall& call) {
  while (const auto request = ReadFrame(call.stream))
    if (!Obey(call, *request)) return;
}

}  // namespace rack
