#include "tests/rack/model/phone_state.h"

#include "tests/rack/image4/digest.h"
#include "tests/rack/model/chance.h"
#include "tests/rack/model/peripherals.h"

namespace rack {
namespace {

constexpr std::size_t kSepNonceSize = 20;
constexpr std::size_t kEffaceableKeySize = 32;

// The stages a phone stays in without a host; nothing for the others.
std::optional<Stage> StableStage(const std::string& name) {
  for (const Stage stage : {Stage::kOff, Stage::kDfu, Stage::kNormal, Stage::kIboot})
    if (name == Name(stage)) return stage;
  return std::nullopt;
}

void ReadTexts(const Value* dictionary, std::map<std::string, std::string>& out) {
  if (dictionary == nullptr || dictionary->AsDict() == nullptr) return;
  for (const auto& [name, value] : *dictionary->AsDict())
    if (value.AsText() != nullptr) out[name] = *value.AsText();
}

}  // namespace

bool PhoneState::AutoBoot() const {
  const auto found = nvram.find("auto-boot");
  return found == nvram.end() || found->second == "true";
}

Stage PhoneState::WhatBoots() const {
  if (!nor_complete) return Stage::kDfu;
  return AutoBoot() && os_complete ? Stage::kNormal : Stage::kIboot;
}

void PhoneState::DestroyUserData() {
  user_data_present = false;
  effaceable_key = RandomBytes(kEffaceableKeySize);
  ++effaceable_generation;
  ios = IosState();
  locked = false;
}

void DrawNonces(PhoneState& state, const PhoneSpec& spec) {
  DrawApNonce(state, spec);
  state.sep_nonce = Drawn(spec, "SepNonce", kSepNonceSize);
}

void DrawApNonce(PhoneState& state, const PhoneSpec& spec) {
  state.ap_nonce = Drawn(spec, "ApNonce", spec.product.generation.ap_nonce_size);
}

PhoneState FreshState(const PhoneSpec& spec) {
  PhoneState state;
  state.port = spec.port;
  state.plugged = spec.plugged;
  switch (spec.mode) {
    case StartMode::kNormal:
      state.stage = Stage::kNormal;
      break;
    case StartMode::kRecovery:
      state.stage = Stage::kIboot;
      break;
    case StartMode::kDfu:
      state.stage = Stage::kDfu;
      break;
  }
  state.nvram["auto-boot"] = spec.mode == StartMode::kRecovery ? "false" : "true";
  state.os_build = spec.os_build;
  state.os_version = spec.os_version;
  state.user_data_present = spec.user_data;
  state.ios.passcode = spec.passcode || spec.locked;
  state.locked = spec.locked;
  state.battery = spec.battery;
  state.charging = spec.charging;
  state.activation_lock = spec.activation_lock;
  state.effaceable_key = RandomBytes(kEffaceableKeySize);
  state.baseband_nonce = Drawn(spec, "baseband nonce", kBasebandNonceSize);
  DrawNonces(state, spec);
  return state;
}

Value ToValue(const PhoneState& state) {
  Value nvram = Value::Dict{};
  for (const auto& [name, value] : state.nvram) nvram.Set(name, value);
  Value firmware = Value::Dict{};
  for (const auto& [name, value] : state.firmware) firmware.Set(name, value);
  return Value::Dict{
      {"Port", ToString(state.port)},
      {"Plugged", state.plugged},
      {"Stage", Name(state.stage)},
      {"ApNonce", state.ap_nonce},
      {"SepNonce", state.sep_nonce},
      {"BasebandNonce", state.baseband_nonce},
      {"NVRAM", std::move(nvram)},
      {"LastError", std::uint64_t{static_cast<std::uint16_t>(state.last_error.reason)}},
      {"LastErrorDetail", state.last_error.detail},
      {"NorComplete", state.nor_complete},
      {"Firmware", std::move(firmware)},
      {"OsBuild", state.os_build},
      {"OsVersion", state.os_version},
      {"OsImageDigest", state.os_image_digest},
      {"OsComplete", state.os_complete},
      {"UserDataPresent", state.user_data_present},
      {"EffaceableKey", state.effaceable_key},
      {"EffaceableGeneration", state.effaceable_generation},
      {"RestoresCompleted", state.restores_completed},
      {"Ios", ToValue(state.ios)},
      {"Battery", state.battery},
      {"Charging", state.charging},
      {"ActivationLock", state.activation_lock},
      {"Locked", state.locked},
      {"BootNumber", state.boot_number}};
}

PhoneState FromValue(const Value& saved, const PhoneSpec& spec) {
  PhoneState state = FreshState(spec);
  if (const auto port = station::ParsePortPath(saved.Text("Port"))) state.port = *port;
  state.plugged = saved.Flag("Plugged", state.plugged);
  const auto stage = StableStage(saved.Text("Stage", Name(state.stage)));
  if (const Bytes* nonce = saved.Data("ApNonce")) state.ap_nonce = *nonce;
  if (const Bytes* nonce = saved.Data("SepNonce")) state.sep_nonce = *nonce;
  if (const Bytes* nonce = saved.Data("BasebandNonce")) state.baseband_nonce = *nonce;
  ReadTexts(saved.Find("NVRAM"), state.nvram);
  ReadTexts(saved.Find("Firmware"), state.firmware);
  state.nor_complete = saved.Flag("NorComplete", true);
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
  if (const Value* ios = saved.Find("Ios")) state.ios = IosStateFromValue(*ios);
  state.battery = static_cast<int>(saved.Number("Battery").value_or(state.battery));
  state.charging = saved.Flag("Charging", state.charging);
  state.activation_lock = saved.Flag("ActivationLock", state.activation_lock);
  state.locked = saved.Flag("Locked", state.locked);
  state.boot_number = saved.Number("BootNumber").value_or(0) + 1;
  state.stage = stage.value_or(state.WhatBoots());
  return state;
}

}  // namespace rack
