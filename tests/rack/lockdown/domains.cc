#include "tests/rack/lockdown/domains.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "tests/rack/lockdown/settings.h"

namespace rack {
namespace {

constexpr std::uint64_t kDisk = 64'000'000'000;
constexpr std::uint64_t kDataPartition = 58'000'000'000;
constexpr std::uint64_t kUserFiles = 21'000'000'000;
constexpr std::uint64_t kPurgeable = 4'000'000'000;

Value Battery(const PhoneSpec&, const PhoneState& state) {
  const bool full = state.battery == 100;
  return Value::Dict{{"BatteryCurrentCapacity", state.battery},
                     {"BatteryIsCharging", state.charging && !full},
                     {"ExternalChargeCapable", state.charging},
                     {"ExternalConnected", state.plugged},
                     {"FullyCharged", full},
                     {"GasGaugeCapability", true},
                     {"HasBattery", true}};
}

Value DiskUsage(const PhoneSpec&, const PhoneState& state) {
  const std::uint64_t free = kDataPartition - (state.user_data_present ? kUserFiles : 0);
  return Value::Dict{{"AmountDataAvailable", free - kPurgeable},
                     {"AmountDataReserved", std::uint64_t{200'000'000}},
                     {"TotalDataAvailable", free},
                     {"TotalDataCapacity", kDataPartition},
                     {"TotalDiskCapacity", kDisk},
                     {"TotalSystemAvailable", 0},
                     {"TotalSystemCapacity", kDisk - kDataPartition}};
}

Value FactoryDisk(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{{"TotalDataCapacity", kDataPartition},
                     {"TotalDiskCapacity", kDisk},
                     {"TotalSystemCapacity", kDisk - kDataPartition}};
}

Value Backup(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{
      {"CloudBackupEnabled", false}, {"RequiresEncrypt", false}, {"WillEncrypt", false}};
}

// False on an erased phone, whatever Apple knows of it.
Value FindMy(const PhoneSpec&, const PhoneState& state) {
  return Value::Dict{{"IsAssociated", state.activation_lock && state.user_data_present}};
}

Value Wireless(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{
      {"EnableWifiConnections", false}, {"SupportsWifi", true}, {"SupportsWifiSyncing", true}};
}

Value SetupAssistant(const PhoneSpec&, const PhoneState& state) {
  if (!state.user_data_present) return Value::Dict{};
  return Value::Dict{{"SetupDone", true},
                     {"SetupFinishedAllSteps", true},
                     {"SetupState", "SetupUsingAssistant"},
                     {"SetupVersion", 11}};
}

Value Chaperone(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{{"DeviceIsChaperoned", false}};
}

Value Restriction(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{{"ProhibitAppInstall", false}, {"ProhibitAppRemove", false}};
}

Value International(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{{"Keyboard", "en"},
                     {"Language", "en"},
                     {"Locale", "en_US"},
                     {"SupportedLanguages", Value::Array{"en", "de", "fr"}},
                     {"SupportedLocales", Value::Array{"en_US", "de_DE", "fr_FR"}}};
}

Value Itunes(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{{"MinITunesVersion", "12.9.5"}, {"SyncDataClasses", Value::Array{}}};
}

Value Internal(const PhoneSpec&, const PhoneState&) { return Value::Dict{{"IsInternal", false}}; }

Value UserPreferences(const PhoneSpec&, const PhoneState& state) {
  return Value::Dict{{"DiagnosticsAllowed", false},
                     {"UserSetLanguage", state.user_data_present},
                     {"UserSetLocale", state.user_data_present}};
}

Value Integrity(const PhoneSpec&, const PhoneState&) {
  return Value::Dict{{"DeveloperModeStatus", false}};
}

struct Row {
  std::string_view domain;
  Value (*values)(const PhoneSpec&, const PhoneState&);
  bool only_by_key = false;
};

constexpr auto kDomains = std::to_array<Row>({
    {"com.apple.mobile.battery", Battery},
    {"com.apple.disk_usage", DiskUsage},
    {"com.apple.disk_usage.factory", FactoryDisk},
    {"com.apple.mobile.backup", Backup},
    {"com.apple.fmip", FindMy, true},
    {"com.apple.mobile.wireless_lockdown", Wireless},
    {"com.apple.purplebuddy", SetupAssistant},
    {"com.apple.PurpleBuddy", SetupAssistant},
    {"com.apple.mobile.chaperone", Chaperone},
    {"com.apple.mobile.restriction", Restriction},
    {"com.apple.international", International},
    {"com.apple.mobile.iTunes", Itunes},
    {"com.apple.mobile.internal", Internal},
    {"com.apple.mobile.user_preferences", UserPreferences},
    {"com.apple.security.mac.amfi", Integrity},
});

}  // namespace

Value DomainValues(const PhoneSpec& spec, const PhoneState& state, const std::string& domain,
                   bool by_key) {
  const auto row = std::ranges::find(kDomains, domain, &Row::domain);
  Value values = Value::Dict{};
  if (row != kDomains.end() && (by_key || !row->only_by_key)) values = row->values(spec, state);
  Overlay(values, state, domain);
  return values;
}

}  // namespace rack
