#include "tests/rack/model/phone_state.h"

#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::size_t kApNonceSize = 32;  // A10 and later
constexpr std::size_t kSepNonceSize = 20;
constexpr std::size_t kEffaceableKeySize = 32;

}  // namespace

bool PhoneState::AutoBoot() const {
  const auto found = nvram.find("auto-boot");
  return found == nvram.end() || found->second == "true";
}

void DrawNonces(PhoneState& state) {
  state.ap_nonce = RandomBytes(kApNonceSize);
  state.sep_nonce = RandomBytes(kSepNonceSize);
}

PhoneState FreshState(const PhoneSpec& spec) {
  PhoneState state;
  state.port = spec.port;
  state.plugged = spec.plugged;
  state.stage = spec.mode == StartMode::kRecovery ? Stage::kIboot : Stage::kNormal;
  state.nvram["auto-boot"] = spec.mode == StartMode::kRecovery ? "false" : "true";
  state.os_build = spec.os_build;
  state.os_version = spec.os_version;
  state.user_data_present = spec.user_data;
  state.effaceable_key = RandomBytes(kEffaceableKeySize);
  DrawNonces(state);
  return state;
}

Value ToValue(const PhoneState& state) {
  Value nvram = Value::Dict{};
  for (const auto& [name, value] : state.nvram) nvram.Set(name, value);
  return Value::Dict{
      {"Port", ToString(state.port)},
      {"Plugged", state.plugged},
      {"Stage", Name(state.stage)},
      {"ApNonce", state.ap_nonce},
      {"SepNonce", state.sep_nonce},
      {"NVRAM", std::move(nvram)},
      {"LastError", std::uint64_t{static_cast<std::uint16_t>(state.last_error.reason)}},
      {"LastErrorDetail", state.last_error.detail},
      {"OsBuild", state.os_build},
      {"OsVersion", state.os_version},
      {"OsImageDigest", state.os_image_digest},
      {"OsComplete", state.os_complete},
      {"UserDataPresent", state.user_data_present},
      {"EffaceableKey", state.effaceable_key},
      {"EffaceableGeneration", state.effaceable_generation},
      {"RestoresCompleted", state.restores_completed},
      {"BootNumber", state.boot_number}};
}

PhoneState FromValue(const Value& saved, const PhoneSpec& spec) {
  PhoneState state = FreshState(spec);
  if (const auto port = station::ParsePortPath(saved.Text("Port"))) state.port = *port;
  state.plugged = saved.Flag("Plugged", state.plugged);
  const std::string stage = saved.Text("Stage", Name(state.stage));
  state.stage = stage == "normal" ? Stage::kNormal : stage == "off" ? Stage::kOff : Stage::kIboot;
  if (const Bytes* nonce = saved.Data("ApNonce")) state.ap_nonce = *nonce;
  if (const Bytes* nonce = saved.Data("SepNonce")) state.sep_nonce = *nonce;
  if (const Value* nvram = saved.Find("NVRAM"); nvram != nullptr && nvram->AsDict() != nullptr)
    for (const auto& [name, value] : *nvram->AsDict())
      if (value.AsText() != nullptr) state.nvram[name] = *value.AsText();
  state.last_error.reason = static_cast<Reason>(saved.Number("LastError").value_or(0));
  state.last_error.detail = saved.Text("LastErrorDetail");
  state.os_build = saved.Text("OsBuild", state.os_build);
  state.os_version = saved.Text("OsVersion", state.os_version);
  state.os_image_digest = saved.Text("OsImageDigest");
  state.os_complete = saved.Flag("OsComplete", true);
  state.user_data_present = saved.Flag("UserDataPresent", state.user_data_present);
  if (const Bytes* key = saved.Data("EffaceableKey")) state.effaceable_key = *key;
  state.effaceable_generation = saved.Number("EffaceableGeneration").value_or(1);
  state.restores_completed = saved.Number("RestoresCompleted").value_or(0);
  state.boot_number = saved.Number("BootNumber").value_or(0) + 1;
  if (!state.os_complete && state.stage == Stage::kNormal) state.stage = Stage::kIboot;
  return state;
}

}  // namespace rack
