#pragma once
// A phone in normal mode, asked through lockdownd without a session (device-services 3.4).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/device/connection.h"
#include "station/plist/plist.h"

struct lockdownd_client_private;

namespace station::device {

struct PhoneFacts {
  Ecid ecid;
  std::string udid;
  std::string serial_number;  // empty where the phone gives it to paired hosts only
  std::string product;        // "iPhone10,1"
  std::string board;          // "d20ap"
  std::string os_version;
  std::string os_build;
};

// Which daemon answers behind port 62078.
enum class LockdownType { kNormal, kRestore, kOther };

class NormalPhone {
 public:
  // kLockdown when the phone does not answer, and as Device::Open.
  [[nodiscard]] static Result<NormalPhone> Open(const std::string& udid);
  [[nodiscard]] Result<LockdownType> QueryType();
  // kPhoneIdentityUnreadable without ECID, product or board.
  [[nodiscard]] Result<PhoneFacts> ReadFacts();
  [[nodiscard]] Result<Ecid> ReadEcid();
  // ApNonce and SEPNonce, by themselves or within ApParameters; kRecoveryNonceMissing when the
  // phone gives no ApNonce.
  struct Nonces {
    std::vector<std::uint8_t> ap;
    std::vector<std::uint8_t> sep;
    plist::Plist parameters{};  // ApParameters; empty where the phone has none
  };
  [[nodiscard]] Result<Nonces> ReadNonces();
  // FirmwarePreflightInfo: what the signing server and the restore OS want to know about the
  // baseband. Nothing for a phone without one, and where it does not say.
  [[nodiscard]] plist::Plist ReadPreflight();
  // Whether its user data is behind a passcode an update has to be let past (HasSiDP); false where
  // it does not say.
  [[nodiscard]] bool ReadHasSidp();
  // Unpaired first; where iOS 14.5 and later insist on a session, with the pairing this host has.
  // It never asks for a pairing: usbmuxd did that when the phone was plugged in, and an unanswered
  // dialog is the operator's to answer. kPairingNeeded, kEnterRecoveryRefused; kLockdown when no
  // answer came, which may be because the phone is leaving.
  [[nodiscard]] Status EnterRecovery();

 private:
  struct Free {
    void operator()(lockdownd_client_private* client) const noexcept;
  };
  [[nodiscard]] Result<plist::Plist> Value(const char* key);
  [[nodiscard]] Status OpenSession();
  Device device_;
  std::string udid_;
  std::unique_ptr<lockdownd_client_private, Free> client_;
};

}  // namespace station::device
