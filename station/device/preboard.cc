#include "station/device/preboard.h"

#include <libimobiledevice/lockdown.h>
#include <libimobiledevice/preboard.h>

namespace station::device {
namespace {

using plist::Plist;

constexpr std::chrono::milliseconds kLook{1000};
constexpr int kCreateLooks = 130;
constexpr int kCommitLooks = 30;
constexpr const char* kLabel = "station-worker";

struct FreeLockdown {
  void operator()(lockdownd_client_private* client) const noexcept {
    lockdownd_client_free(client);
  }
};
using Lockdown = std::unique_ptr<lockdownd_client_private, FreeLockdown>;

bool True(const Plist& message, const char* key) { return message[key].Bool().value_or(false); }

// "Error" is a number or a flag; its text is the phone's own.
std::optional<std::string> ErrorOf(const Plist& message) {
  const plist::View error = message["Error"];
  if (!error.Present() || error.Bool() == false || error.Integer() == 0U) return std::nullopt;
  return message["ErrorString"].String().value_or("no reason given").substr(0, 200);
}

// One message after another, each within a second, at most so many seconds in all. `on_message`
// says whether it is over.
template <typename OnMessage>
Status Follow(const ReceiveMessage& receive, int looks, JobControl& control, OnMessage on_message) {
  for (int look = 0; look < looks;) {
    STATION_CHECK(control.KeepGoing());
    auto message = receive(kLook);
    if (!message && message.error().code == ErrorCode::kDeviceSilent) {
      ++look;
      continue;
    }
    if (!message) return Fail(ErrorCode::kStashbagFailed, std::move(message).error().context);
    STATION_TRY(over, on_message(*message));
    if (over) return {};
  }
  return Fail(ErrorCode::kDeviceSilent, "no end within " + std::to_string(looks) + " s");
}

}  // namespace

Result<Stashbag> FollowCreation(const ReceiveMessage& receive, const StashbagEvents& events,
                                JobControl& control) {
  Stashbag outcome = Stashbag::kCreated;
  bool asking = false;
  const auto stop_asking = [&] {
    if (asking) events.stops_asking();
    asking = false;
  };
  auto followed = Follow(receive, kCreateLooks, control, [&](const Plist& message) -> Result<bool> {
    if (True(message, "Skip")) {
      outcome = Stashbag::kNotNeeded;
      return true;
    }
    if (True(message, "ShowDialog")) {
      asking = true;
      events.asks_for_passcode();
      return false;
    }
    if (True(message, "Timeout"))
      return Fail(ErrorCode::kStashbagNotEntered, "nobody entered the passcode in time");
    if (const auto error = ErrorOf(message))
      return Fail(asking ? ErrorCode::kStashbagNotEntered : ErrorCode::kStashbagFailed,
                  "the phone says: " + *error);
    return True(message, "HideDialog");
  });
  stop_asking();
  if (followed) return outcome;
  if (followed.error().code == ErrorCode::kDeviceSilent)
    return Fail(ErrorCode::kStashbagNotEntered, std::move(followed).error().context);
  return std::unexpected(std::move(followed).error());
}

Status FollowCommit(const ReceiveMessage& receive, JobControl& control) {
  auto followed = Follow(receive, kCommitLooks, control, [&](const Plist& message) -> Result<bool> {
    if (const auto error = ErrorOf(message))
      return Fail(ErrorCode::kStashbagFailed, "the phone says: " + *error);
    return True(message, "StashbagCommitComplete");
  });
  if (!followed && followed.error().code == ErrorCode::kDeviceSilent)
    return Fail(ErrorCode::kStashbagFailed, std::move(followed).error().context);
  return followed;
}

void Preboard::Free::operator()(preboard_client_private* client) const noexcept {
  preboard_client_free(client);
}

Result<bool> Preboard::Wanted(const std::string& udid) {
  STATION_TRY(device, Device::Open(udid));
  lockdownd_client_t raw = nullptr;
  if (lockdownd_client_new(device.Raw(), &raw, kLabel) != LOCKDOWN_E_SUCCESS)
    return Fail(ErrorCode::kLockdown, "lockdownd does not answer");
  const Lockdown client(raw);
  plist_t value = nullptr;
  if (lockdownd_get_value(client.get(), nullptr, "HasSiDP", &value) != LOCKDOWN_E_SUCCESS)
    return false;
  return Plist(value).Get().Bool().value_or(false);
}

Result<Preboard> Preboard::Open(const std::string& udid) {
  Preboard preboard;
  STATION_TRY(device, Device::Open(udid));
  lockdownd_client_t raw = nullptr;
  const lockdownd_error_t paired = lockdownd_client_new_with_handshake(device.Raw(), &raw, kLabel);
  if (paired != LOCKDOWN_E_SUCCESS)
    return Fail(ErrorCode::kPairingNeeded,
                "the phone does not trust this host: error " + std::to_string(paired));
  const Lockdown lockdown(raw);
  lockdownd_service_descriptor_t service = nullptr;
  const lockdownd_error_t started =
      lockdownd_start_service(lockdown.get(), PREBOARD_SERVICE_NAME, &service);
  if (started != LOCKDOWN_E_SUCCESS)
    return Fail(
        ErrorCode::kStashbagFailed,
        std::string(PREBOARD_SERVICE_NAME) + " does not start: error " + std::to_string(started));
  preboard_client_t client = nullptr;
  const preboard_error_t connected = preboard_client_new(device.Raw(), service, &client);
  lockdownd_service_descriptor_free(service);
  if (connected != PREBOARD_E_SUCCESS)
    return Fail(ErrorCode::kStashbagFailed, "preboard: error " + std::to_string(connected));
  preboard.device_ = std::move(device);
  preboard.client_.reset(client);
  return preboard;
}

Result<Plist> Preboard::Receive(std::chrono::milliseconds timeout) {
  plist_t message = nullptr;
  const preboard_error_t error = preboard_receive_with_timeout(
      client_.get(), &message, static_cast<std::uint32_t>(timeout.count()));
  if (error == PREBOARD_E_TIMEOUT) return Fail(ErrorCode::kDeviceSilent, "nothing from preboard");
  if (error != PREBOARD_E_SUCCESS || message == nullptr)
    return Fail(ErrorCode::kStashbagFailed, "preboard: error " + std::to_string(error));
  return Plist(message);
}

Result<Stashbag> Preboard::Create(std::span<const std::uint8_t> manifest,
                                  const StashbagEvents& events, JobControl& control) {
  const Plist data = Plist::Data(manifest);
  const preboard_error_t error =
      preboard_create_stashbag(client_.get(), data.Raw(), nullptr, nullptr);
  if (error != PREBOARD_E_SUCCESS)
    return Fail(ErrorCode::kStashbagFailed, "CreateStashbag: error " + std::to_string(error));
  return FollowCreation([this](std::chrono::milliseconds timeout) { return Receive(timeout); },
                        events, control);
}

Status Preboard::Commit(std::span<const std::uint8_t> ticket, JobControl& control) {
  const Plist data = Plist::Data(ticket);
  const preboard_error_t error =
      preboard_commit_stashbag(client_.get(), data.Raw(), nullptr, nullptr);
  if (error != PREBOARD_E_SUCCESS)
    return Fail(ErrorCode::kStashbagFailed, "CommitStashbag: error " + std::to_string(error));
  return FollowCommit([this](std::chrono::milliseconds timeout) { return Receive(timeout); },
                      control);
}

}  // namespace station::device
