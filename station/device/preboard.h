#pragma once
// An update that keeps the data of a phone with a passcode: the phone stashes what opens its data
// volume, for which it asks its owner for the passcode, and releases it to one signed firmware
// (restore-protocol 1.7).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/connection.h"
#include "station/plist/plist.h"

struct preboard_client_private;

namespace station::device {

enum class Stashbag { kNotNeeded, kCreated };

// Called when the phone starts and stops asking for its passcode.
struct StashbagEvents {
  std::function<void()> asks_for_passcode = [] {};
  std::function<void()> stops_asking = [] {};
};

class Preboard {
 public:
  // Whether phones of this kind keep a stashbag at all (lockdown's HasSiDP); false where the phone
  // does not say.
  [[nodiscard]] static Result<bool> Wanted(const std::string& udid);
  // Needs a phone that trusts this host: kPairingNeeded; kStashbagFailed when the service does not
  // start.
  [[nodiscard]] static Result<Preboard> Open(const std::string& udid);

  // `manifest`: signing::BuildLocalManifest of the identity that is going to be restored. Waits up
  // to 130 s for the passcode. kStashbagNotEntered, kStashbagFailed, the control's reason.
  [[nodiscard]] Result<Stashbag> Create(std::span<const std::uint8_t> manifest,
                                        const StashbagEvents& events, JobControl& control);
  // `ticket`: the AP ticket. After this the phone may leave normal mode. kStashbagFailed.
  [[nodiscard]] Status Commit(std::span<const std::uint8_t> ticket, JobControl& control);

 private:
  struct Free {
    void operator()(preboard_client_private* client) const noexcept;
  };
  [[nodiscard]] Result<plist::Plist> Receive(std::chrono::milliseconds timeout);
  Device device_;
  std::unique_ptr<preboard_client_private, Free> client_;
};

// The phone's side of both, message by message; kDeviceSilent when there is none in time.
using ReceiveMessage = std::function<Result<plist::Plist>(std::chrono::milliseconds timeout)>;
[[nodiscard]] Result<Stashbag> FollowCreation(const ReceiveMessage& receive,
                                              const StashbagEvents& events, JobControl& control);
[[nodiscard]] Status FollowCommit(const ReceiveMessage& receive, JobControl& control);

}  // namespace station::device
