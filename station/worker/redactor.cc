#include "station/worker/redactor.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "station/base/digest.h"

namespace station::worker {
namespace {

using plist::View;

struct IdentityKey {
  std::string_view key;
  std::string_view kind;
};
// Keys whose values name one phone, its owner or its chips, in lockdownd's, restored's and the
// signing server's words.
constexpr auto kIdentityKeys = std::to_array<IdentityKey>({
    {"SerialNumber", "serial"},
    {"MLBSerialNumber", "serial"},
    {"SRNM", "serial"},
    {"ChipSerialNo", "chip-serial"},
    {"BbSNUM", "chip-serial"},
    {"UniqueDeviceID", "udid"},
    {"UDID", "udid"},
    {"Cryptex1,UDID", "udid"},
    {"UniqueChipID", "ecid"},
    {"ApECID", "ecid"},
    {"ECID", "ecid"},
    {"Savage,UID", "chip-id"},
    {"SE,ID", "chip-id"},
    {"UniqueID", "chip-id"},
    {"Yonkers,ECID", "chip-id"},
    {"Rap,ECID", "chip-id"},
    {"Baobab,ECID", "chip-id"},
    {"InternationalMobileEquipmentIdentity", "imei"},
    {"InternationalMobileEquipmentIdentity2", "imei"},
    {"IMEI", "imei"},
    {"IMEI2", "imei"},
    {"MobileEquipmentIdentifier", "imei"},
    {"MEID", "imei"},
    {"EUICCCSN", "eid"},
    {"eUICC,EID", "eid"},
    {"EID", "eid"},
    {"IntegratedCircuitCardIdentity", "iccid"},
    {"ICCID", "iccid"},
    {"InternationalMobileSubscriberIdentity", "imsi"},
    {"PhoneNumber", "phone-number"},
    {"WiFiAddress", "address"},
    {"BluetoothAddress", "address"},
    {"EthernetAddress", "address"},
    {"DeviceName", "name"},
});

constexpr std::size_t kShortestSecret = 6;

std::string_view KindOf(const std::string& key) {
  const auto found = std::ranges::find(kIdentityKeys, key, &IdentityKey::key);
  return found == kIdentityKeys.end() ? std::string_view() : found->kind;
}

void Quote(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

// The value of an identity, as text that is the same whenever the identity is.
std::string ValueText(View value) {
  if (const auto text = value.String()) return *text;
  if (const auto number = value.Integer()) return std::to_string(*number);
  if (const auto data = value.Data()) return ToHex(*data);
  return {};
}

}  // namespace

void Redactor::AddSecret(std::string_view kind, const std::string& text) {
  if (text.size() < kShortestSecret) return;
  secrets_.emplace(text, Placeholder(kind, text));
}

std::string Redactor::Placeholder(std::string_view kind, const std::string& value) {
  auto& known = numbers_[std::string(kind)];
  const auto [found, is_new] = known.emplace(value, static_cast<int>(known.size()) + 1);
  return "<" + std::string(kind) + "-" + std::to_string(found->second) + ">";
}

std::string Redactor::WithoutSecrets(std::string text) {
  for (const auto& [secret, placeholder] : secrets_)
    for (std::size_t at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + placeholder.size()))
      text.replace(at, secret.size(), placeholder);
  return text;
}

void Redactor::Write(const std::string& key, View value, std::string& out) {
  if (const std::string_view kind = KindOf(key);
      !kind.empty() && !value.IsDict() && !value.IsArray()) {
    const std::string text = ValueText(value);
    const auto secret = secrets_.find(text);
    return Quote(secret != secrets_.end() ? secret->second : Placeholder(kind, text), out);
  }
  if (value.IsDict()) {
    out += '{';
    bool first = true;
    value.ForEach([&](const std::string& name, View member) {
      if (!first) out += ',';
      first = false;
      Quote(WithoutSecrets(name), out);
      out += ':';
      Write(name, member, out);
    });
    out += '}';
  } else if (value.IsArray()) {
    out += '[';
    for (std::size_t i = 0; i < value.Size(); ++i) {
      if (i > 0) out += ',';
      Write(key, value.At(i), out);
    }
    out += ']';
  } else if (const auto data = value.Data()) {
    out += "{\"$data\":{\"size\":" + std::to_string(data->size()) + ",\"sha256\":\"" +
           ToHex(Sha256Of(*data)) + "\"}}";
  } else if (const auto text = value.String()) {
    Quote(WithoutSecrets(*text), out);
  } else if (const auto number = value.Integer()) {
    const auto secret = secrets_.find(std::to_string(*number));
    if (secret != secrets_.end())
      Quote(secret->second, out);
    else
      out += std::to_string(static_cast<std::int64_t>(*number));
  } else if (const auto flag = value.Bool()) {
    out += *flag ? "true" : "false";
  } else {
    out += value.Present() ? "{\"$other\":true}" : "null";
  }
}

std::string Redactor::ToJson(View message) {
  std::string out;
  Write({}, message, out);
  return out;
}

}  // namespace station::worker
