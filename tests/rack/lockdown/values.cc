#include "tests/rack/model/peripherals.h"
#include "tests/rack/lockdown/values.h"

#include <fmt/format.h>

#include <chrono>

#include "tests/rack/image4/digest.h"
#include "tests/rack/lockdown/certificates.h"
#include "tests/rack/lockdown/domains.h"
#include "tests/rack/lockdown/settings.h"

namespace rack {
namespace {

std::string Address(const PhoneSpec& spec, std::uint8_t last) {
  const std::uint64_t e = spec.ecid.value;
  return fmt::format("02:00:{:02x}:{:02x}:{:02x}:{:02x}", e >> 16U & 0xFFU, e >> 8U & 0xFFU,
                     e & 0xFFU, last);
}

double Now(const PhoneState& state) {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count() + state.ios.clock_offset;
}

// Phones have a modem; which iPads do, the catalogue does not say.
bool Cellular(const PhoneSpec& spec) { return spec.product.device_class == "iPhone"; }

// Fourteen digits that follow from the ECID, then the check digit.
std::string Imei(const PhoneSpec& spec) {
  std::string digits = fmt::format("35{:012}", spec.ecid.value % 1000000000000);
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = (digits[i] - '0') * (i % 2 == 1 ? 2 : 1);
    sum += digit / 10 + digit % 10;
  }
  return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

void Merge(Value& into, const Value& from) {
  for (const auto& [key, value] : *from.AsDict()) into.Set(key, value);
}

Value ModemValues(const PhoneSpec& spec) {
  const std::string imei = Imei(spec);
  return Value::Dict{
      {"BasebandActivationTicketVersion", "V2"},
      {"BasebandKeyHashInformation",
       Value::Dict{{"AKeyStatus", 2}, {"SKeyHash", Bytes(32)}, {"SKeyStatus", 0}}},
      {"BasebandRegionSKU", Bytes(64)},
      {"BasebandStatus", "BBInfoAvailable"},
      {"BasebandVersion", "7.30.01"},
      {"InternationalMobileEquipmentIdentity", imei},
      {"MobileEquipmentIdentifier", imei.substr(0, 14)},
      {"SIMStatus", "kCTSIMSupportSIMStatusReady"},
      {"SIMTrayStatus", "kCTSIMSupportSIMTrayInsertedWithSIM"},
      {"kCTPostponementInfoPRIVersion", "0.1.192"},
      {"kCTPostponementInfoServiceProvisioningState", true},
      {"kCTPostponementStatus", "kCTPostponementStatusActivated"},
  };
}

Value SubscriberValues() {
  return Value::Dict{{"IntegratedCircuitCardIdentity", "00000000000000000000"},
                     {"InternationalMobileSubscriberIdentity", "000000000000000"},
                     {"InternationalMobileSubscriberIdentityOverride", false},
                     {"MobileSubscriberCountryCode", "001"},
                     {"MobileSubscriberNetworkCode", "01"},
                     {"PhoneNumber", "+00 000 0000 0000"}};
}

// Asked by key only, and by anybody; not in the whole dictionary.
std::optional<Value> ByKeyOnly(Phone& phone, const std::string& key) {
  if (key == "DevicePublicKey") {
    const std::string pem = PublicPem(DeviceKey(phone));
    return Value(Bytes(pem.begin(), pem.end()));
  }
  const Phone::Nonces nonces = phone.ShownNonces();
  if (key == "ApNonce") return nonces.ap;
  if (key == "SEPNonce") return nonces.sep;
  if (key == "FirmwarePreflightInfo") {
    const auto baseband = BasebandOf(phone.Spec());
    if (!baseband || !phone.Spec().preflight) return std::nullopt;
    return PreflightInfo(*baseband, phone.State().baseband_nonce);
  }
  if (key == "MarketingName") return Value(phone.Spec().product.name);
  return std::nullopt;
}

struct Found {
  std::optional<Value> value;
  const char* error = "MissingValue";
};

Found Lookup(const Value& dictionary, const std::string& key) {
  if (key.empty()) return {dictionary};
  const Value* value = dictionary.Find(key);
  return {value == nullptr ? std::nullopt : std::optional(*value)};
}

Found FindValue(LockdownClient& client, const std::string& domain, const std::string& key) {
  const PhoneSpec& spec = client.phone.Spec();
  const PhoneState state = client.phone.State();
  if (!domain.empty()) {
    if (!client.session) return {std::nullopt, "GetProhibited"};
    return Lookup(DomainValues(spec, state, domain, !key.empty()), key);
  }
  if (auto value = ByKeyOnly(client.phone, key)) return {std::move(value)};
  if (client.session) return Lookup(SessionValues(spec, state), key);
  Found found = Lookup(UnpairedValues(spec, state), key);
  if (!found.value && Lookup(SessionValues(spec, state), key).value) found.error = "GetProhibited";
  return found;
}

}  // namespace

std::string_view ActivationState(const PhoneState& state) {
  return state.user_data_present ? "Activated" : "Unactivated";
}

Value NonVolatileRam(const PhoneState& state) {
  Value nvram = Value::Dict{};
  for (const auto& [name, text] : state.nvram) nvram.Set(name, Bytes(text.begin(), text.end()));
  const bool find_my = state.activation_lock && state.user_data_present;
  const std::string_view word = find_my ? "YES" : "NO";
  // An erased phone does not tell, locked or not: absence proves nothing.
  if (state.user_data_present)
    for (const char* name : {"fm-activation-locked", "fm-spstatus"})
      nvram.Set(name, Bytes(word.begin(), word.end()));
  return nvram;
}

Value UnpairedValues(const PhoneSpec& spec, const PhoneState& state) {
  const Product& product = spec.product;
  Value values = Value::Dict{
      {"BluetoothAddress", Address(spec, 1)},
      {"BoardId", std::uint64_t{product.board_id}},
      {"BuildVersion", state.os_build},
      {"CPUArchitecture", product.generation.chip_udid ? "arm64e" : "arm64"},
      {"ChipID", std::uint64_t{product.chip}},
      {"DeviceClass", product.device_class},
      {"DeviceColor", "1"},
      {"DeviceName", product.device_class},
      {"DieID", spec.ecid.value},
      {"HardwareModel", product.board},
      {"HardwarePlatform", product.platform},
      {"HostAttached", true},
      {"Image4Supported", true},
      {"PartitionType", "GUID_partition_scheme"},
      {"ProductName", "iPhone OS"},
      {"ProductType", product.type},
      {"ProductVersion", state.os_version},
      {"ProductionSOC", true},
      {"ProtocolVersion", "2"},
      {"SupportedDeviceFamilies", Value::Array{product.device_class == "iPad" ? 2 : 1}},
      {"TelephonyCapability", Cellular(spec) && spec.preflight},
      {"UniqueChipID", spec.ecid.value},
      {"UniqueDeviceID", spec.udid},
      {"UseRaptorCerts", true},
      {"WiFiAddress", Address(spec, 0)},
  };
  // Real phones have it, passcode or not. It makes hosts ask for a stashbag before an update, which
  // only a passcode needs and idevicerestore 1.0.0 cannot do for iOS 15.
  if (state.ios.passcode) values.Set("HasSiDP", true);
  if (const auto name = SettingOf(state, "", "DeviceName")) values.Set("DeviceName", *name);
  return values;
}

Value SessionValues(const PhoneSpec& spec, const PhoneState& state) {
  Value values = UnpairedValues(spec, state);
  Merge(values, Value::Dict{{"ActivationState", ActivationState(state)},
                            {"BrickState", !state.user_data_present},
                            {"ChipSerialNo", Bytes(4)},
                            {"EthernetAddress", Address(spec, 2)},
                            {"FirmwareVersion", "iBoot-6723.140.2"},
                            {"FusingStatus", 3},
                            {"MLBSerialNumber", spec.serial + "0000A"},
                            {"ModelNumber", "M" + spec.serial.substr(spec.serial.size() - 4)},
                            {"NonVolatileRAM", NonVolatileRam(state)},
                            {"PasswordProtected", state.locked},
                            {"PkHash", Bytes(32)},
                            {"RegionInfo", "ZD/A"},
                            {"SerialNumber", spec.serial},
                            {"SoftwareBehavior", Bytes(16)},
                            {"SoftwareBundleVersion", ""},
                            {"TimeIntervalSince1970", Now(state)},
                            {"TimeZone", "Europe/Berlin"},
                            {"TimeZoneOffsetFromUTC", 3600.0},
                            {"TrustedHostAttached", !state.ios.pairings.empty()},
                            {"Uses24HourClock", true},
                            {"WirelessBoardSerialNumber", ""}});
  if (Cellular(spec)) Merge(values, ModemValues(spec));
  if (Cellular(spec) && state.user_data_present) Merge(values, SubscriberValues());
  if (state.user_data_present) values.Set("ActivationStateAcknowledged", true);
  Overlay(values, state, "");
  return values;
}

LockdownReply GetValue(LockdownClient& client, const Value& request) {
  const std::string domain = request.Text("Domain");
  const std::string key = request.Text("Key");
  Found found = FindValue(client, domain, key);
  LockdownReply reply = found.value ? Answered(request) : Refused(request, found.error);
  if (!domain.empty()) reply.answer.Set("Domain", domain);
  if (!key.empty()) reply.answer.Set("Key", key);
  if (found.value) reply.answer.Set("Value", std::move(*found.value));
  return reply;
}

}  // namespace rack
