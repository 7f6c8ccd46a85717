#include "tests/rack/lockdown/registry.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "tests/rack/lockdown/values.h"

namespace rack {
namespace {

// A battery that has been used for a while (mA, mV, mAh, 1/100 degree, minutes).
constexpr int kCycles = 412;
constexpr int kDesignCapacity = 3227;
constexpr int kRawMaximum = 2901;
constexpr int kNominalCapacity = 2880;
constexpr int kVoltage = 4012;
constexpr int kTemperature = 2890;
constexpr int kChargeCurrent = 412;
constexpr int kCritical = 3;                          // per cent
constexpr std::uint32_t kFirstSmartBattery = 0x8015;  // device-services 4.1: iPhone 8 and later

Value Adapter() {
  return Value::Dict{{"AdapterID", 0},      {"AdapterVoltage", 5000},
                     {"Current", 500},      {"Description", "usb host"},
                     {"IsWireless", false}, {"PMUConfiguration", 500},
                     {"SharedSource", 0},   {"Source", 0},
                     {"Watts", 2}};
}

Value BatteryData(const PhoneState& state) {
  return Value::Dict{{"AppleRawMaxCapacity", kRawMaximum},
                     {"CurrentCapacity", state.battery},
                     {"CycleCount", kCycles},
                     {"DesignCapacity", kDesignCapacity},
                     {"FullChargeCapacity", kRawMaximum},
                     {"MaxCapacity", 100},
                     {"NominalChargeCapacity", kNominalCapacity},
                     {"StateOfCharge", state.battery},
                     {"Voltage", kVoltage}};
}

Value Battery(const PhoneSpec& spec, const PhoneState& state) {
  const bool full = state.battery == 100;
  const bool charging = state.charging && !full;
  // A negative current comes as the 64-bit two's complement (device-services 4.1).
  const auto current = static_cast<std::uint64_t>(std::int64_t{charging ? 1
                                                               : full   ? 0
                                                                        : -1} *
                                                  kChargeCurrent);
  Value battery = Value::Dict{{"Amperage", current},
                              {"AppleRawCurrentCapacity", kRawMaximum * state.battery / 100},
                              {"AppleRawExternalConnected", state.plugged},
                              {"AppleRawMaxCapacity", kRawMaximum},
                              {"AtCriticalLevel", state.battery <= kCritical},
                              {"BatteryData", BatteryData(state)},
                              {"BatteryInstalled", true},
                              {"CurrentCapacity", state.battery},
                              {"CycleCount", kCycles},
                              {"DesignCapacity", kDesignCapacity},
                              {"ExternalChargeCapable", state.charging},
                              {"ExternalConnected", state.plugged},
                              {"FullyCharged", full},
                              {"InstantAmperage", current},
                              {"IsCharging", charging},
                              {"MaxCapacity", 100},
                              {"NominalChargeCapacity", kNominalCapacity},
                              {"Serial", "F8Y" + spec.serial},
                              {"Temperature", kTemperature},
                              {"Voltage", kVoltage}};
  if (state.charging) battery.Set("AdapterDetails", Adapter());
  return battery;
}

Value Options(const PhoneSpec&, const PhoneState& state) { return NonVolatileRam(state); }

struct Row {
  std::string_view name;
  std::string_view entry_class;
  Value (*properties)(const PhoneSpec&, const PhoneState&);
};

constexpr auto kEntries = std::to_array<Row>({
    {"AppleSmartBattery", "IOPMPowerSource", Battery},
    {"AppleARMPMUCharger", "IOPMPowerSource", Battery},
    {"options", "IODTNVRAM", Options},
});

// Each chip generation has one of the two battery drivers.
bool Installed(const Row& row, const PhoneSpec& spec) {
  if (row.name == "AppleSmartBattery") return spec.product.chip >= kFirstSmartBattery;
  if (row.name == "AppleARMPMUCharger") return spec.product.chip < kFirstSmartBattery;
  return true;
}

}  // namespace

std::optional<Value> RegistryEntry(const PhoneSpec& spec, const PhoneState& state,
                                   const std::string& name, const std::string& entry_class) {
  if (name.empty() && entry_class.empty()) return std::nullopt;
  const auto row = std::ranges::find_if(kEntries, [&](const Row& one) {
    return (name.empty() || one.name == name) &&
           (entry_class.empty() || one.entry_class == entry_class) && Installed(one, spec);
  });
  return row == kEntries.end() ? std::nullopt : std::optional(row->properties(spec, state));
}

Value RegistryPlane(const PhoneSpec& spec, const std::string& plane) {
  Value children = Value::Array{};
  for (const Row& row : kEntries)
    if (Installed(row, spec))
      children.AsArray()->push_back(Value::Dict{{"name", row.name}, {"class", row.entry_class}});
  return Value::Dict{{"name", plane == "IODeviceTree" ? "device-tree" : "Root"},
                     {"model", spec.product.type},
                     {"children", std::move(children)}};
}

// Per cent on current phones, and of no use (device-services 4.1).
Value GasGauge() {
  return Value::Dict{{"CycleCount", kCycles}, {"FullChargeCapacity", 100}, {"Status", "Success"}};
}

}  // namespace rack
