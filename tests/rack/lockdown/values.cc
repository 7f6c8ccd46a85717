#include "tests/rack/lockdown/values.h"

#include <fmt/format.h>

#include <chrono>

#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

std::string Address(const PhoneSpec& spec, std::uint8_t last) {
  const std::uint64_t e = spec.ecid.value;
  return fmt::format("02:00:{:02x}:{:02x}:{:02x}:{:02x}", e >> 16U & 0xFFU, e >> 8U & 0xFFU,
                     e & 0xFFU, last);
}

double Now() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

Value BatteryDomain(const PhoneSpec& spec) {
  return Value::Dict{{"BatteryCurrentCapacity", spec.battery},
                     {"BatteryIsCharging", spec.battery < 100},
                     {"ExternalChargeCapable", true},
                     {"ExternalConnected", true},
                     {"FullyCharged", spec.battery == 100},
                     {"GasGaugeCapability", true},
                     {"HasBattery", true}};
}

// Asked by key only; not in the whole dictionary.
std::optional<Value> ByKeyOnly(const Phone& phone, const PhoneState& state,
                               const std::string& key) {
  if (key == "ApNonce") return state.ap_nonce;
  if (key == "SEPNonce") return state.sep_nonce;
  if (key == "MarketingName") return Value(phone.Spec().product.name);
  return std::nullopt;
}

}  // namespace

Value UnpairedValues(const PhoneSpec& spec, const PhoneState& state) {
  const Product& product = spec.product;
  return Value::Dict{
      {"ActivationState", state.user_data_present ? "Activated" : "Unactivated"},
      {"BluetoothAddress", Address(spec, 1)},
      {"BoardId", std::uint64_t{product.board_id}},
      {"BrickState", !state.user_data_present},
      {"BuildVersion", state.os_build},
      {"CPUArchitecture", "arm64"},
      {"ChipID", std::uint64_t{product.chip}},
      {"DeviceClass", product.device_class},
      {"DeviceColor", "1"},
      {"DeviceName", "iPhone"},
      {"DieID", spec.ecid.value},
      {"HardwareModel", product.board},
      {"HardwarePlatform", product.platform},
      {"HostAttached", true},
      {"Image4Supported", true},
      {"ModelNumber", "M" + spec.serial.substr(spec.serial.size() - 4)},
      {"PartitionType", "GUID_partition_scheme"},
      {"ProductName", "iPhone OS"},
      {"ProductType", product.type},
      {"ProductVersion", state.os_version},
      {"ProductionSOC", true},
      {"ProtocolVersion", "2"},
      {"RegionInfo", "ZD/A"},
      {"SerialNumber", spec.serial},
      {"SupportedDeviceFamilies", Value::Array{1}},
      {"TelephonyCapability", false},
      {"TimeIntervalSince1970", Now()},
      {"TrustedHostAttached", false},
      {"UniqueChipID", spec.ecid.value},
      {"UniqueDeviceID", spec.udid},
      {"UseRaptorCerts", true},
      {"WiFiAddress", Address(spec, 0)},
  };
}

std::optional<Value> LockdownValue(const Phone& phone, const std::string& domain,
                                   const std::string& key) {
  const PhoneState state = phone.State();
  Value dictionary = Value::Dict{};
  if (domain.empty()) {
    if (auto value = ByKeyOnly(phone, state, key)) return value;
    dictionary = UnpairedValues(phone.Spec(), state);
  } else if (domain == "com.apple.mobile.battery") {
    dictionary = BatteryDomain(phone.Spec());
  }
  if (key.empty()) return dictionary;
  const Value* value = dictionary.Find(key);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

}  // namespace rack
