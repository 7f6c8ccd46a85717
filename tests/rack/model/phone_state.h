#pragma once
// Everything about a phone that can change, and its file. What stands under "this boot" is lost
// with it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "station/base/ids.h"
#include "tests/rack/forge/marker.h"
#include "tests/rack/model/cart.h"
#include "tests/rack/model/ios_state.h"
#include "tests/rack/model/refusal.h"
#include "tests/rack/model/stage.h"

namespace rack {

// What a boot has come to: what iBEC has been given, all under one ticket.
struct BootRecord {
  Refusal first_refusal;  // of an image in this boot
  Bytes ticket;
  Bytes ticket_hash;
  std::optional<Marker> ramdisk;
  std::optional<Marker> device_tree;
  bool ramdisk_loaded = false;
  bool device_tree_loaded = false;
  bool trust_cache_loaded = false;
  bool sep_loaded = false;
};

// The question on the screen whether a computer is to be trusted; gone when the cable is pulled.
enum class TrustDialog { kNone, kOpen, kTrusted, kDenied };

struct PhoneState {
  station::PortPath port;
  bool plugged = true;
  Stage stage = Stage::kNormal;
  Bytes ap_nonce;
  Bytes sep_nonce;
  std::map<std::string, std::string> nvram;  // auto-boot and what setenv wrote
  Bytes baseband_nonce;  // the same in normal and in restore mode, until a ticket for it was used
  Refusal last_error;

  // Flash.
  bool nor_complete = true;  // false while boot firmware is being written: only DFU starts then
  std::map<std::string, std::string> firmware;  // what a restore has written: name to digest
  std::string os_build;
  std::string os_version;
  std::string os_image_digest;  // of the system image, as its ticket states it; hexadecimal
  bool os_complete = true;      // false from the first format until the restore has succeeded
  bool user_data_present = true;
  Bytes effaceable_key;  // wraps all user data; destroyed and replaced by an erase
  std::uint64_t effaceable_generation = 1;
  std::uint64_t restores_completed = 0;
  IosState ios;

  int battery = 80;              // per cent
  bool charging = true;          // while a cable is in
  bool activation_lock = false;  // kept by Apple, not on flash: no restore ends it
  bool locked = false;           // the passcode has not been given since the screen went dark

  // This boot.
  std::uint64_t boot_number =
      1;  // counts every start of anything; what a host asked for in one boot ends with it
  BootRecord boot;
  TrustDialog trust_dialog = TrustDialog::kNone;
  std::uint64_t passcodes_given = 0;

  [[nodiscard]] bool AutoBoot() const;
  // Where a phone that simply starts ends up.
  [[nodiscard]] Stage WhatBoots() const;
  // An erase: the key of all user data is destroyed and replaced, and with it what iOS kept.
  void DestroyUserData();
};

[[nodiscard]] PhoneState FreshState(const PhoneSpec& spec);
[[nodiscard]] Value ToValue(const PhoneState& state);
// The saved state over a fresh one. A phone that was in the middle of a boot or restore comes back
// where a power failure would have left it.
[[nodiscard]] PhoneState FromValue(const Value& saved, const PhoneSpec& spec);

void DrawNonces(PhoneState& state, const PhoneSpec& spec);
void DrawApNonce(PhoneState& state, const PhoneSpec& spec);

}  // namespace rack
