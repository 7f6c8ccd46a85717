#include "station/restore/dialogue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "station/base/log.h"
#include "station/restore/data_requests.h"
#include "station/restore/device_status.h"
#include "station/restore/fdr.h"
#include "station/restore/restore_options.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

constexpr std::chrono::milliseconds kSilence{600000};  // a phone works long without a word (NAND firmware, sealing)
constexpr std::chrono::milliseconds kLookUp{500};

std::int64_t Signed(View value) { return static_cast<std::int64_t>(value.Integer().value_or(0)); }

class Dialogue {
 public:
  Dialogue(RestoredClient& restored, const device::Device& device, const ComponentSource& components, JobControl& control,
           const DialogueEvents& events)
      : restored_(restored), device_(device), control_(control),
        context_{device, components, control,
                 [this, &events] {
                   image_sent_ = true;
                   events.image_sent();
                 }} {}

  Status Run() {
    auto done = Loop();
    asynchronous_.clear();  // joins
    return done;
  }

 private:
  Status Loop() {
    auto last_word = std::chrono::steady_clock::now();
    while (true) {
      STATION_CHECK(AsynchronousError());
      auto message = restored_.Receive(kLookUp, control_);
      const auto now = std::chrono::steady_clock::now();
      if (!message && message.error().code == ErrorCode::kDeviceSilent) {
        if (now - last_word > kSilence) return std::unexpected(message.error());
        continue;
      }
      if (!message) return std::unexpected(std::move(message).error());
      last_word = now;
      STATION_TRY(finished, Handle(message->Get()));
      if (finished) return {};
    }
  }

  // True when the phone has said that it is done.
  Result<bool> Handle(View message) {
    const std::string type = message["MsgType"].String().value_or("");
    const auto* row = std::ranges::find(kHandlers, type, &std::pair<std::string_view, Handler>::first);
    if (row == kHandlers.end()) {
      Log(LogLevel::kInfo, "message ignored", {{"type", type.substr(0, 64)}});
      return false;
    }
    return (this->*row->second)(message);
  }

  using Handler = Result<bool> (Dialogue::*)(View);

  static DataRequest RequestOf(View message) {
    DataRequest request{message["DataType"].String().value_or(""), message["Arguments"], std::nullopt};
    if (const auto port = message["DataPort"].Integer(); port && *port > 0 && *port < 65536)
      request.data_port = static_cast<std::uint16_t>(*port);
    return request;
  }

  Status Provide(const DataRequest& request) {
    if (!request.data_port || request.type == "SystemImageData")
      return ProvideData(request, context_, [this](const Plist& answer) { return restored_.Send(answer, control_); });
    STATION_TRY(connection, device_.Connect(*request.data_port));
    device::PlistChannel channel(std::move(connection));
    return ProvideData(request, context_, [&](const Plist& answer) { return channel.Send(answer, control_); });
  }

  Result<bool> OnDataRequest(View message) {
    STATION_CHECK(Provide(RequestOf(message)));
    return false;
  }

  // The phone goes on talking while it waits for these, so they run beside the loop; the first failure ends the restore.
  Result<bool> OnAsyncDataRequest(View message) {
    asynchronous_.emplace_back([this, copy = std::make_shared<Plist>(Plist::Copy(message))] {
      auto done = Provide(RequestOf(copy->Get()));
      if (done) return;
      const std::lock_guard lock(mutex_);
      if (!asynchronous_error_) asynchronous_error_ = std::move(done).error();
    });
    return false;
  }

  Status AsynchronousError() {
    const std::lock_guard lock(mutex_);
    if (asynchronous_error_) return std::unexpected(*asynchronous_error_);
    return {};
  }

  Result<bool> OnProgress(View message) {
    const std::int64_t operation = Signed(message["Operation"]);
    const std::int64_t percent = Signed(message["Progress"]);
    if (operation != last_operation_)
      Log(LogLevel::kInfo, "phone progress", {{"operation", std::to_string(operation)}, {"doing", std::string(OperationName(operation))}});
    last_operation_ = operation;
    // While the image streams its own bytes tell more; afterwards 1..100 are meant as percentages.
    if (image_sent_ && operation != 13 && percent >= 1 && percent <= 100) control_.Progress(static_cast<double>(percent) / 100.0, 0, 0);
    return false;
  }

  Result<bool> OnStatus(View message) {
    const std::int64_t status = Signed(message["Status"]);
    const std::int64_t amr_error = Signed(message["AMRError"]);
    if (!message["Status"].IsInteger()) return Fail(ErrorCode::kRestoreDialogue, "a StatusMsg without Status");
    if (status == 0 && amr_error == 0) {
      Plist received = Plist::Dict();
      received.Set("MsgType", Plist::String("ReceivedFinalStatusMsg"));
      STATION_CHECK(restored_.Send(received, control_));
      return true;
    }
    if (const auto log = message["Log"].String()) Log(LogLevel::kWarning, "phone log", {{"tail", log->substr(log->size() > 4000 ? log->size() - 4000 : 0)}});
    return Fail(CodeOfStatus(status), "the phone reports status " + std::to_string(status) + ", AMR error " +
                                          std::to_string(amr_error) + ", after checkpoint " + last_checkpoint_);
  }

  Result<bool> OnCheckpoint(View message) {
    last_checkpoint_ = message["CHECKPOINT_NAME"].String().value_or(std::to_string(Signed(message["CHECKPOINT_ID"])));
    const std::int64_t result = Signed(message["CHECKPOINT_RESULT"]);
    const LogLevel level = result == 0 ? LogLevel::kInfo : LogLevel::kWarning;
    Log(level, "checkpoint", {{"name", last_checkpoint_}, {"complete", message["CHECKPOINT_COMPLETE"].Bool().value_or(false) ? "yes" : "no"},
                              {"result", std::to_string(result)}, {"note", message["CHECKPOINT_ERROR"].String().value_or("")}});
    return false;
  }

  Result<bool> OnPreviousLog(View message) {
    Log(LogLevel::kInfo, "log of an earlier restore", {{"bytes", std::to_string(message["PreviousRestoreLog"].String().value_or("").size())}});
    return false;
  }

  Result<bool> OnBasebandStatus(View message) {
    if (message["Accepted"].Bool().value_or(false)) return false;
    return Fail(ErrorCode::kDeviceStatusBaseband, "the baseband did not accept its update");
  }

  Result<bool> OnCrash(View message) {
    Log(LogLevel::kWarning, "restored crashed", {{"backtrace", message["RestoredBacktrace"].String().value_or("").substr(0, 4000)}});
    return false;
  }

  Result<bool> OnAttestation(View) {
    Plist answer = Plist::Dict();
    answer.Set("RestoreShouldAttest", Plist::Bool(false));
    STATION_CHECK(restored_.Send(answer, control_));
    return false;
  }

  static constexpr auto kHandlers = std::to_array<std::pair<std::string_view, Handler>>({
      {"DataRequestMsg", &Dialogue::OnDataRequest},
      {"AsyncDataRequestMsg", &Dialogue::OnAsyncDataRequest},
      {"ProgressMsg", &Dialogue::OnProgress},
      {"StatusMsg", &Dialogue::OnStatus},
      {"CheckpointMsg", &Dialogue::OnCheckpoint},
      {"PreviousRestoreLogMsg", &Dialogue::OnPreviousLog},
      {"BBUpdateStatusMsg", &Dialogue::OnBasebandStatus},
      {"RestoredCrash", &Dialogue::OnCrash},
      {"RestoreAttestation", &Dialogue::OnAttestation},
  });

  RestoredClient& restored_;
  const device::Device& device_;
  JobControl& control_;
  ProviderContext context_;
  std::atomic<bool> image_sent_{false};
  std::int64_t last_operation_ = -1;
  std::string last_checkpoint_ = "none";
  std::mutex mutex_;
  std::optional<Error> asynchronous_error_;
  std::vector<std::jthread> asynchronous_;
};

}  // namespace

Status RunRestoreDialogue(RestoredClient& restored, const device::Device& device, const ComponentSource& components,
                          JobControl& control, const DialogueEvents& events) {
  // Factory data goes through the host from the start; what fails there is the phone's to judge (status 53).
  const FdrProxy factory_data(device, control);
  STATION_CHECK(restored.StartRestore(BuildRestoreOptions(components.Identity()), control));
  STATION_CHECK(Dialogue(restored, device, components, control, events).Run());
  restored.Goodbye(control);
  return {};
}

}  // namespace station::restore
