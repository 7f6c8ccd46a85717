#include "station/worker/daemon_link.h"

#include <poll.h>
#include <unistd.h>

#include <thread>

#include "station/base/log.h"

namespace station::worker {

DaemonLink::DaemonLink(std::filesystem::path socket, std::string task)
    : path_(std::move(socket)), task_(std::move(task)) {}

Result<Orders> DaemonLink::Start() {
  Orders orders;
  const std::lock_guard lock(mutex_);
  STATION_CHECK(Connect(false, &orders));
  return orders;
}

Status DaemonLink::Connect(bool resumed, Orders* orders) {
  STATION_TRY(channel, link::Channel::Connect(path_));
  v1::ToDaemon message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_link_version(link::kLinkVersion);
  hello.set_task(task_);
  hello.set_pid(::getpid());
  hello.set_resumed(resumed);
  STATION_CHECK(channel.Send(message));
  pollfd wait{channel.Socket().Get(), POLLIN, 0};
  if (::poll(&wait, 1, 10000) <= 0)
    return Fail(ErrorCode::kLinkLost, "the daemon does not answer Hello");
  STATION_TRY(packet, channel.Receive());
  v1::ToWorker answer;
  if (!packet || !answer.ParseFromString(packet->bytes))
    return Fail(ErrorCode::kLinkLost, "the daemon closed the line");
  if (answer.has_refused()) {
    const auto code =
        ErrorCodeFromNumber(answer.refused().error_code()).value_or(ErrorCode::kInternal);
    return Fail(code, "the daemon refuses " + task_ + ": " + answer.refused().context());
  }
  if (!answer.has_welcome() || answer.welcome().link_version() != link::kLinkVersion)
    return Fail(ErrorCode::kLinkVersion, "the daemon speaks another version of the link");
  wishes_.emergency_stop = answer.welcome().emergency_stop();
  if (orders != nullptr)
    *orders = Orders{std::move(*answer.mutable_welcome()), std::move(packet->descriptors)};
  channel_.emplace(std::move(channel));
  return {};
}

void DaemonLink::ReconnectIfDown() {
  const auto now = std::chrono::steady_clock::now();
  if (channel_ || now < next_attempt_) return;
  next_attempt_ = now + std::chrono::seconds(1);
  if (const auto connected = Connect(true, nullptr); !connected) return;
  Log(LogLevel::kInfo, "daemon is back", {{"task", task_}});
  if (current_step_)
    (void)channel_->Send(*current_step_);  // the one report a new daemon cannot do without
}

void DaemonLink::Report(const v1::ToDaemon& message) {
  const std::lock_guard lock(mutex_);
  ReconnectIfDown();
  if (message.has_step_started()) current_step_ = message;
  if (!channel_ || channel_->Send(message)) return;
  Log(LogLevel::kWarning, "daemon is gone, working on alone", {{"task", task_}});
  channel_.reset();
}

bool DaemonLink::ReportLast(const v1::ToDaemon& finished, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    {
      const std::lock_guard lock(mutex_);
      ReconnectIfDown();
      if (channel_ && channel_->Send(finished)) {
        channel_->Finish();
        channel_.reset();
        return true;
      }
      channel_.reset();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return false;
}

void DaemonLink::Take(const v1::ToWorker& message) {
  if (message.has_cancel()) wishes_.cancelled = true;
  if (message.has_emergency_stop()) wishes_.emergency_stop = message.emergency_stop().engaged();
}

DaemonLink::Wishes DaemonLink::Poll() {
  const std::lock_guard lock(mutex_);
  ReconnectIfDown();
  while (channel_) {
    pollfd wait{channel_->Socket().Get(), POLLIN, 0};
    if (::poll(&wait, 1, 0) <= 0) break;
    auto message = channel_->ReceiveMessage<v1::ToWorker>();
    if (message && *message) {
      Take(**message);
    } else {
      channel_.reset();
    }
  }
  return wishes_;
}

}  // namespace station::worker
