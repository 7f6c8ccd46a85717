#include "station/fetcher/link_report.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <optional>

#include "station/base/enums.h"
#include "station/base/log.h"
#include "station/fetcher/import.h"
#include "station/fetcher/progress_pace.h"
#include "station/fetcher/report_text.h"
#include "station/link/channel.h"
#include "worker/v1/worker.pb.h"

namespace station::fetcher {
namespace {

using worker::v1::ToDaemon;
using worker::v1::ToWorker;

constexpr int kAnswerMilliseconds = 30'000;

class Reporter {
 public:
  Reporter(std::filesystem::path socket, std::string task)
      : socket_(std::move(socket)), task_(std::move(task)) {}

  // Connects and gets the orders.
  Result<ImportRequest> Begin() {
    STATION_TRY(welcome, SayHello(false));
    if (!welcome.has_import())
      return Fail(ErrorCode::kBadRequest, "the daemon gave no import orders");
    const worker::v1::ImportOrders& orders = welcome.import();
    ImportRequest request{orders.source_path(), orders.store_path(), task_, std::nullopt};
    if (orders.expected_sha256().empty()) return request;
    request.expected = ParseSha256(orders.expected_sha256());
    if (!request.expected)
      return Fail(ErrorCode::kBadRequest, "\"" + orders.expected_sha256() + "\" is no SHA-256");
    return request;
  }

  // Anything the daemon said meanwhile that ends the import?
  bool Cancelled() {
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

  void Progress(std::uint64_t done, std::uint64_t total) {
    if (!pace_.Due(done == total)) return;
    ToDaemon message;
    message.mutable_progress()->set_step(static_cast<std::uint32_t>(Step::kNone));
    message.mutable_progress()->set_step_fraction(
        total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total));
    message.mutable_progress()->set_bytes_done(done);
    message.mutable_progress()->set_bytes_total(total);
    (void)Send(message);
  }

  // The daemon may have been restarted since: then one new connection is tried.
  void End(const std::vector<ToDaemon>& messages) {
    if (SendAll(messages)) return Close();
    if (auto welcome = SayHello(true); !welcome)
      LogError(LogLevel::kWarning, "import: the daemon is away", welcome.error(),
               {{"task", task_}});
    if (SendAll(messages)) Close();
  }

 private:
  Result<worker::v1::Welcome> SayHello(bool resumed) {
    STATION_TRY(channel, link::Channel::Connect(socket_));
    ToDaemon hello;
    hello.mutable_hello()->set_link_version(link::kLinkVersion);
    hello.mutable_hello()->set_task(task_);
    hello.mutable_hello()->set_pid(::getpid());
    hello.mutable_hello()->set_resumed(resumed);
    hello.mutable_hello()->set_finished(resumed);
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

  bool Send(const ToDaemon& message) {
    if (channel_ && !channel_->Send(message)) Lost();
    return channel_.has_value();
  }
  bool SendAll(const std::vector<ToDaemon>& messages) {
    for (const ToDaemon& message : messages)
      if (!Send(message)) return false;
    return true;
  }
  void Close() {
    channel_->Finish();
    channel_.reset();
  }
  void Lost() {
    Log(LogLevel::kWarning, "import: lost the daemon, going on alone", {{"task", task_}});
    channel_.reset();
  }

  std::filesystem::path socket_;
  std::string task_;
  std::optional<link::Channel> channel_;
  ProgressPace pace_;
  bool cancelled_ = false;
};

std::vector<ToDaemon> EndMessages(const Result<store::Entry>& entry) {
  std::vector<ToDaemon> messages;
  if (entry) {
    worker::v1::Imported& imported = *messages.emplace_back().mutable_imported();
    imported.set_sha256(ToHex(entry->sha256));
    imported.set_size(entry->size);
    imported.set_version(entry->version);
    imported.set_build(entry->build);
    for (const std::string& product : entry->products) imported.add_products(product);
  }
  worker::v1::Finished& finished = *messages.emplace_back().mutable_finished();
  finished.set_error_code(
      static_cast<std::uint32_t>(entry ? ErrorCode::kNone : entry.error().code));
  if (!entry) finished.set_context(Printable(entry.error().context));
  return messages;
}

}  // namespace

Status ImportOnOrders(const std::filesystem::path& socket, const std::string& task,
                      const std::function<bool()>& stop) {
  Reporter reporter(socket, task);
  auto request = reporter.Begin();
  if (!request && request.error().code != ErrorCode::kBadRequest)
    return std::unexpected(std::move(request).error());
  ImportHooks hooks;
  hooks.progress = [&](std::uint64_t done, std::uint64_t total) { reporter.Progress(done, total); };
  hooks.stop = [&] { return stop() || reporter.Cancelled(); };
  Result<store::Entry> entry =
      request ? Import(*request, hooks) : std::unexpected(std::move(request).error());
  reporter.End(EndMessages(entry));
  if (!entry) return std::unexpected(std::move(entry).error());
  return {};
}

}  // namespace station::fetcher
