#include "station/fetcher/reporter.h"

#include <poll.h>
#include <unistd.h>

#include "station/base/enums.h"
#include "station/base/log.h"

namespace station::fetcher {
namespace {

using worker::v1::ToDaemon;
using worker::v1::ToWorker;

constexpr int kAnswerMilliseconds = 30'000;
constexpr std::chrono::seconds kLookInterval{1};

}  // namespace

bool Reporter::Cancelled() {
  while (channel_ && !cancelled_) {
    pollfd waiting{channel_->Socket().Get(), POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0) break;
    auto message = channel_->ReceiveMessage<ToWorker>();
    if (!message || !*message) {
      Lost();
    } else {
      cancelled_ = (*message)->has_cancel();
    }
  }
  return cancelled_;
}

void Reporter::Progress(std::uint64_t done, std::uint64_t total) {
  if (!pace_.Due(done == total)) return;
  if (!channel_) LookForDaemon();
  ToDaemon message;
  message.mutable_progress()->set_step(static_cast<std::uint32_t>(Step::kNone));
  message.mutable_progress()->set_step_fraction(
      total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total));
  message.mutable_progress()->set_bytes_done(done);
  message.mutable_progress()->set_bytes_total(total);
  (void)Send(message);
}

void Reporter::End(const std::vector<ToDaemon>& messages) {
  if (SendAll(messages)) return Close();
  if (auto welcome = SayHello(true, true); !welcome)
    LogError(LogLevel::kWarning, "the daemon is away", welcome.error(), {{"task", task_}});
  if (SendAll(messages)) Close();
}

Result<worker::v1::Welcome> Reporter::SayHello(bool resumed, bool finished) {
  STATION_TRY(channel, link::Channel::Connect(socket_));
  ToDaemon hello;
  hello.mutable_hello()->set_link_version(link::kLinkVersion);
  hello.mutable_hello()->set_task(task_);
  hello.mutable_hello()->set_pid(::getpid());
  hello.mutable_hello()->set_resumed(resumed);
  hello.mutable_hello()->set_finished(finished);
  STATION_CHECK(channel.Send(hello));
  pollfd waiting{channel.Socket().Get(), POLLIN, 0};
  if (::poll(&waiting, 1, kAnswerMilliseconds) == 0)
    return Fail(ErrorCode::kLinkLost, "the daemon does not answer");
  STATION_TRY(answer, channel.ReceiveMessage<ToWorker>());
  if (!answer) return Fail(ErrorCode::kLinkLost, "the daemon closed the connection");
  if (answer->has_refused())
    return Fail(
        ErrorCodeFromNumber(answer->refused().error_code()).value_or(ErrorCode::kLinkVersion),
        "the daemon refused: " + answer->refused().context());
  if (!answer->has_welcome() || answer->welcome().link_version() != link::kLinkVersion)
    return Fail(ErrorCode::kLinkVersion, "the daemon speaks another version of the link");
  channel_ = std::move(channel);
  return std::move(*answer->mutable_welcome());
}

bool Reporter::Send(const ToDaemon& message) {
  if (channel_ && !channel_->Send(message)) Lost();
  return channel_.has_value();
}

bool Reporter::SendAll(const std::vector<ToDaemon>& messages) {
  for (const ToDaemon& message : messages)
    if (!Send(message)) return false;
  return true;
}

void Reporter::Close() {
  channel_->Finish();
  channel_.reset();
}

void Reporter::Lost() {
  Log(LogLevel::kWarning, "lost the daemon, going on alone", {{"task", task_}});
  channel_.reset();
  looked_ = std::chrono::steady_clock::now();
}

void Reporter::LookForDaemon() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kLookInterval) return;
  looked_ = now;
  if (SayHello(true, false)) Log(LogLevel::kInfo, "the daemon is back", {{"task", task_}});
}

}  // namespace station::fetcher
