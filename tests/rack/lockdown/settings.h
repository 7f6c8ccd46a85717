#pragma once
// What hosts may change: SetValue and RemoveValue, and how that shows in the values.

#include "tests/rack/lockdown/client.h"

namespace rack {

[[nodiscard]] LockdownReply SetValue(LockdownClient& client, const Value& request);
[[nodiscard]] LockdownReply RemoveValue(LockdownClient& client, const Value& request);

[[nodiscard]] std::optional<Value> SettingOf(const PhoneState& state, const std::string& domain,
                                             const std::string& key);
// Puts everything that was set in that domain over `values`.
void Overlay(Value& values, const PhoneState& state, const std::string& domain);

}  // namespace rack
