#pragma once
// What one restore is given beside the connection to its phone.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/device/connection.h"
#include "station/firmware/build_manifest.h"
#include "station/plist/plist.h"

namespace station::restore {

// Posts a signing request and answers the server's dictionary, as SigningClient::Ask does. Called
// from several threads.
using AskSigner = std::function<Result<plist::Plist>(plist::Plist request)>;

// A connection to one of the phone's ports; kPhoneGone when it refuses or is gone.
using ConnectToPort = std::function<Result<device::Connection>(std::uint16_t port)>;

// Everything here is borrowed for the length of the restore.
struct RestoreSetup {
  Ecid ecid;
  AskSigner ask;
  const firmware::BuildManifest* manifest =
      nullptr;              // for the recovery system an identity may name
  plist::View ap_answer{};  // the signing server's answer the ticket came from; absent: unknown
  plist::View preflight{};  // lockdown's FirmwarePreflightInfo; absent unless the restore began in
                            // normal mode
  // The phone's own logs are written here, for the job's record; empty: nowhere.
  std::filesystem::path phone_log{};
  // Hosts the phone may reach through this host (factory data, decryption keys) beside apple.com
  // and what is under it.
  std::vector<std::string> further_hosts{};
  // How long a phone may say nothing; it works long without a word (NAND firmware, sealing).
  std::chrono::milliseconds silence{600000};
  std::filesystem::path ca_file{};  // PEM roots for those fetches; empty: the system's
};

}  // namespace station::restore
