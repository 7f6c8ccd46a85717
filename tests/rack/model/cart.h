#pragma once
// CART.yaml: which phones stand on the cart and in what state. Unknown keys are errors that name
// their line.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "tests/rack/model/product.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {

// How long a phone takes for things; the defaults are what clients were seen to need.
struct Timing {
  std::chrono::milliseconds leave{1000};  // from the answer to the detach
  std::chrono::milliseconds gap{1500};  // from detach to attach; below a second clients misread it
  std::chrono::milliseconds restore_boot{3000};  // bootx: detach to restore mode
  std::chrono::milliseconds finish{5000};        // last status: detach to normal mode
  std::chrono::milliseconds flash{300};  // writing boot firmware; cut short, only DFU starts
};

enum class StartMode { kNormal, kRecovery, kDfu };

// How the user answers when the phone asks: later (with `press`), yes or no at once.
enum class Trust { kAsk, kTrusted, kDenied };

struct PhoneSpec {
  std::string name;
  station::PortPath port;
  Product product;
  station::Ecid ecid;
  std::string udid;
  std::string serial;
  std::string os_build;
  std::string os_version;
  StartMode mode = StartMode::kNormal;
  HubPower hub_power = HubPower::kPortByPort;  // of the hub it is plugged into
  bool super_speed = false;  // normal and restore mode show up on the next bus, same chain
  bool plugged = true;
  bool user_data = true;
  int battery = 80;
  bool charging = true;
  Trust trust = Trust::kTrusted;
  bool passcode = false;
  bool locked = false;
  bool activation_lock = false;
  bool enter_recovery_needs_session =
      false;                  // as iOS 14.5 and later do; 1.0.0-class clients then cannot
  bool ask_fud = false;       // the three FUDData requests
  bool asr_checksums = true;  // wants a SHA-1 behind every block of the OS image
  bool data_ports = false;    // every request to a current host names a port of its own
  bool recording = true;      // what is said to the phone and by it is kept in recordings/
  bool fdr_needed = false;    // has no factory data of its own left
  bool updaters = true;       // asks for the firmware of its other chips, baseband included
  bool preflight = true;      // tells of its baseband in normal mode
  // An iBSS draws a nonce of its own (reference 1.3). Seen on no Image4 phone so far, and more than
  // idevicerestore 1.0.0 can bear on Linux: it opens the phone a second time to read SNON, and
  // usbfs lets nobody claim an interface twice.
  bool dfu_nonce_changes = false;
  // Draws the same nonces every time, its own: equal runs then get equal tickets, and two hosts can
  // be compared byte for byte.
  bool fixed_nonces = false;
  Timing timing;
  std::vector<std::string> faults;  // as the fault command takes them
};

// kConfigInvalid with file and line.
[[nodiscard]] station::Result<std::vector<PhoneSpec>> LoadCart(const std::string& path,
                                                               const ProductTable& products);
[[nodiscard]] station::Result<std::vector<PhoneSpec>> ParseCart(const std::string& text,
                                                                const std::string& shown_path,
                                                                const ProductTable& products);

// Every key of CART.yaml with its meaning and default, a line each: what `station-rack keys`
// prints.
[[nodiscard]] std::string CartKeys();

// "19H999" -> "15.7": what a build number says about the version.
[[nodiscard]] std::string VersionForBuild(const std::string& build);

}  // namespace rack
