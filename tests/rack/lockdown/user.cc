#include "tests/rack/lockdown/user.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace rack {
namespace {

void Trust(PhoneState& state) { state.trust_dialog = TrustDialog::kTrusted; }
void Distrust(PhoneState& state) { state.trust_dialog = TrustDialog::kDenied; }
void Lock(PhoneState& state) { state.locked = state.ios.passcode; }
void Unlock(PhoneState& state) {
  state.locked = false;
  ++state.passcodes_given;
}

struct Row {
  std::string_view name;
  void (*change)(PhoneState&);
  const char* posts = nullptr;  // notification that follows
};

constexpr auto kTaps = std::to_array<Row>({
    {"trust", Trust, "com.apple.mobile.lockdown.request_pair"},
    {"distrust", Distrust},
    {"lock", Lock, "com.apple.springboard.lockstate"},
    {"unlock", Unlock, "com.apple.springboard.lockstate"},
});

}  // namespace

bool TapOn(Phone& phone, const std::string& what) {
  const auto row = std::ranges::find(kTaps, what, &Row::name);
  if (row == kTaps.end()) return false;
  phone.ChangeAndSave(row->change);
  if (row->posts != nullptr) phone.Notices().Post(row->posts);
  return true;
}

}  // namespace rack
