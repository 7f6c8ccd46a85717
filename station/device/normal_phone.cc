#include "station/device/normal_phone.h"

#include <libimobiledevice/libimobiledevice.h>
#include <libimobiledevice/lockdown.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "station/device/pair_record.h"

namespace station::device {
namespace {
constexpr const char* kLabel = "station-worker";

struct SessionRow {
  lockdownd_error_t error;
  std::string_view why;
};
// What a person at the phone can do about (device-services 3.3).
constexpr auto kSessionErrors = std::to_array<SessionRow>({
    {LOCKDOWN_E_PASSWORD_PROTECTED, "it is locked"},
    {LOCKDOWN_E_USER_DENIED_PAIRING, "Don't Trust was tapped"},
    {LOCKDOWN_E_PAIRING_DIALOG_RESPONSE_PENDING, "it asks whether to trust this computer"},
    {LOCKDOWN_E_INVALID_HOST_ID, "it was erased or its trust was reset since"},
    {LOCKDOWN_E_SSL_ERROR, "the encrypted session could not be set up"},
    {LOCKDOWN_E_MC_PROTECTED, "it is supervised by another organisation"},
});

std::string WhyNoSession(lockdownd_error_t error) {
  const auto found = std::ranges::find(kSessionErrors, error, &SessionRow::error);
  return found != kSessionErrors.end() ? std::string(found->why)
                                       : "lockdownd error " + std::to_string(error);
}

std::vector<std::uint8_t> Bytes(plist::View value) {
  const auto data = value.Data();
  return data ? std::vector<std::uint8_t>(data->begin(), data->end()) : std::vector<std::uint8_t>();
}
}  // namespace

void NormalPhone::Free::operator()(lockdownd_client_private* client) const noexcept {
  lockdownd_client_free(client);
}

Result<NormalPhone> NormalPhone::Open(const std::string& udid) {
  NormalPhone phone;
  STATION_TRY(device, Device::Open(udid));
  phone.device_ = std::move(device);
  phone.udid_ = udid;
  lockdownd_client_t raw = nullptr;
  const lockdownd_error_t error = lockdownd_client_new(phone.device_.Raw(), &raw, kLabel);
  if (error != LOCKDOWN_E_SUCCESS)
    return Fail(ErrorCode::kLockdown, "lockdownd of " + udid + ": error " + std::to_string(error));
  phone.client_.reset(raw);
  return phone;
}

Result<LockdownType> NormalPhone::QueryType() {
  char* type = nullptr;
  const lockdownd_error_t error = lockdownd_query_type(client_.get(), &type);
  const std::unique_ptr<char, decltype(&std::free)> guard(type, &std::free);
  if (error != LOCKDOWN_E_SUCCESS || type == nullptr)
    return Fail(ErrorCode::kLockdown,
                "asking the phone what answers: error " + std::to_string(error));
  const std::string name = type;
  if (name == "com.apple.mobile.lockdown") return LockdownType::kNormal;
  if (name == "com.apple.mobile.restored") return LockdownType::kRestore;
  return LockdownType::kOther;
}

Result<plist::Plist> NormalPhone::Value(const char* key) {
  plist_t raw = nullptr;
  const lockdownd_error_t error = lockdownd_get_value(client_.get(), nullptr, key, &raw);
  plist::Plist value(raw);
  if (error != LOCKDOWN_E_SUCCESS || !value)
    return Fail(ErrorCode::kLockdown,
                std::string("asking for ") + key + ": error " + std::to_string(error));
  return value;
}

Result<Ecid> NormalPhone::ReadEcid() {
  STATION_TRY(value, Value("UniqueChipID"));
  const auto number = value.Get().Integer();
  if (!number || *number == 0)
    return Fail(ErrorCode::kPhoneIdentityUnreadable, "UniqueChipID is no number");
  return Ecid{*number};
}

Result<PhoneFacts> NormalPhone::ReadFacts() {
  const auto text = [&](const char* key) -> std::string {
    const auto value = Value(key);
    return value ? value->Get().String().value_or("") : "";
  };
  PhoneFacts facts;
  STATION_TRY(ecid, ReadEcid());
  facts.ecid = ecid;
  facts.udid = udid_;
  facts.product = text("ProductType");
  facts.board = text("HardwareModel");
  std::ranges::transform(facts.board, facts.board.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  facts.os_version = text("ProductVersion");
  facts.os_build = text("BuildVersion");
  facts.serial_number = text("SerialNumber");
  if (facts.product.empty() || facts.board.empty())
    return Fail(ErrorCode::kPhoneIdentityUnreadable, "the phone does not say its product or board");
  return facts;
}

Result<NormalPhone::Nonces> NormalPhone::ReadNonces() {
  Nonces nonces;
  if (const auto ap = Value("ApNonce")) nonces.ap = Bytes(ap->Get());
  if (const auto sep = Value("SEPNonce")) nonces.sep = Bytes(sep->Get());
  if (auto parameters = Value("ApParameters")) {
    if (nonces.ap.empty()) nonces.ap = Bytes((*parameters)["ApNonce"]);
    if (nonces.sep.empty()) nonces.sep = Bytes((*parameters)["SepNonce"]);
    nonces.parameters = std::move(*parameters);
  }
  if (nonces.ap.empty())
    return Fail(ErrorCode::kRecoveryNonceMissing, "the phone gives no ApNonce in normal mode");
  return nonces;
}

plist::Plist NormalPhone::ReadPreflight() {
  const auto telephony = Value("TelephonyCapability");
  if (!telephony || !telephony->Get().Bool().value_or(false)) return {};
  auto info = Value("FirmwarePreflightInfo");
  return info && info->Get().IsDict() ? std::move(*info) : plist::Plist();
}

bool NormalPhone::ReadHasSidp() {
  const auto value = Value("HasSiDP");
  return value && value->Get().Bool().value_or(false);
}

Status NormalPhone::EnterRecovery() {
  lockdownd_error_t error = lockdownd_enter_recovery(client_.get());
  if (error == LOCKDOWN_E_SESSION_INACTIVE || error == LOCKDOWN_E_NO_RUNNING_SESSION) {
    STATION_CHECK(OpenSession());
    error = lockdownd_enter_recovery(client_.get());
  }
  if (error == LOCKDOWN_E_SUCCESS) return {};
  const bool unanswered = error == LOCKDOWN_E_MUX_ERROR || error == LOCKDOWN_E_RECEIVE_TIMEOUT ||
                          error == LOCKDOWN_E_PLIST_ERROR;
  return Fail(unanswered ? ErrorCode::kLockdown : ErrorCode::kEnterRecoveryRefused,
              "EnterRecovery: lockdownd error " + std::to_string(error));
}

// From iOS 14.5 on some requests need one (device-services 3.4).
Status NormalPhone::OpenSession() {
  if (!HasPairRecord(udid_))
    return Fail(ErrorCode::kPairingNeeded,
                "the phone wants a session, and this host is not paired with it");
  lockdownd_client_t raw = nullptr;
  const lockdownd_error_t error = lockdownd_client_new_with_handshake(device_.Raw(), &raw, kLabel);
  if (error != LOCKDOWN_E_SUCCESS)
    return Fail(ErrorCode::kPairingNeeded,
                "the phone does not accept this host's pairing: " + WhyNoSession(error));
  client_.reset(raw);
  return {};
}

}  // namespace station::device
