#include "tests/rack/lockdown/settings.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace rack {
namespace {

enum class Kind { kText, kFlag, kTime };

struct Row {
  std::string_view domain;
  std::string_view key;
  Kind kind;
  const char* posts = nullptr;  // notification
  bool needs_session = true;
};

constexpr auto kSettable = std::to_array<Row>({
    {"", "UntrustedHostBUID", Kind::kText, nullptr, false},
    {"", "DeviceName", Kind::kText, "com.apple.mobile.lockdown.device_name_changed"},
    {"", "TimeIntervalSince1970", Kind::kTime},
    {"", "TimeZone", Kind::kText, "com.apple.mobile.lockdown.timezone_changed"},
    {"", "Uses24HourClock", Kind::kFlag},
    {"", "ActivationStateAcknowledged", Kind::kFlag},
    {"com.apple.international", "Language", Kind::kText},
    {"com.apple.international", "Locale", Kind::kText},
    {"com.apple.mobile.wireless_lockdown", "EnableWifiConnections", Kind::kFlag},
});

const Row* FindRow(const Value& request) {
  const std::string domain = request.Text("Domain");
  const std::string key = request.Text("Key");
  const auto row = std::ranges::find_if(
      kSettable, [&](const Row& one) { return one.domain == domain && one.key == key; });
  return row == kSettable.end() ? nullptr : &*row;
}

std::optional<double> AsSeconds(const Value& value) {
  if (value.AsReal() != nullptr) return *value.AsReal();
  if (value.AsNumber() != nullptr) return static_cast<double>(*value.AsNumber());
  return std::nullopt;
}

bool Fits(Kind kind, const Value& value) {
  switch (kind) {
    case Kind::kText:
      return value.AsText() != nullptr;
    case Kind::kFlag:
      return value.AsBool() != nullptr;
    case Kind::kTime:
      return AsSeconds(value).has_value();
  }
  return false;
}

double HostTime() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

void Store(PhoneState& state, const Row& row, const Value& value) {
  if (row.kind == Kind::kTime) {
    state.ios.clock_offset = *AsSeconds(value) - HostTime();
    return;
  }
  Value& settings = state.ios.settings;
  if (settings.Find(row.domain) == nullptr) settings.Set(row.domain, Value::Dict{});
  settings.Find(row.domain)->Set(row.key, value);
}

}  // namespace

std::optional<Value> SettingOf(const PhoneState& state, const std::string& domain,
                               const std::string& key) {
  const Value* set = state.ios.settings.Find(domain);
  const Value* value = set == nullptr ? nullptr : set->Find(key);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

void Overlay(Value& values, const PhoneState& state, const std::string& domain) {
  const Value* set = state.ios.settings.Find(domain);
  if (set == nullptr || set->AsDict() == nullptr) return;
  for (const auto& [key, value] : *set->AsDict()) values.Set(key, value);
}

LockdownReply SetValue(LockdownClient& client, const Value& request) {
  const Row* row = FindRow(request);
  if (row == nullptr || (row->needs_session && !client.session))
    return Refused(request, "SetProhibited");
  const Value* value = request.Find("Value");
  if (value == nullptr) return Refused(request, "MissingValue");
  // The clock is the host's to set only before Setup Assistant is through.
  const bool late = row->kind == Kind::kTime && client.phone.State().user_data_present;
  if (late || !Fits(row->kind, *value)) return Refused(request, "SetProhibited");
  client.phone.ChangeAndSave([&](PhoneState& state) { Store(state, *row, *value); });
  if (row->posts != nullptr) client.phone.Notices().Post(row->posts);
  LockdownReply reply = Answered(request, "Key", row->key);
  if (!row->domain.empty()) reply.answer.Set("Domain", row->domain);
  reply.answer.Set("Value", *value);
  return reply;
}

LockdownReply RemoveValue(LockdownClient& client, const Value& request) {
  const Row* row = FindRow(request);
  if (row == nullptr) return Refused(request, "RemoveProhibited");
  bool there = false;
  client.phone.ChangeAndSave([&](PhoneState& state) {
    Value* set = state.ios.settings.Find(row->domain);
    there = set != nullptr && set->Find(row->key) != nullptr;
    if (there) set->Erase(row->key);
  });
  return there ? Answered(request) : Refused(request, "MissingValue");
}

}  // namespace rack
