#include "station/restore/dialogue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "station/base/log.h"
#include "station/restore/async_requests.h"
#include "station/restore/channels.h"
#include "station/restore/device_status.h"
#include "station/restore/fdr.h"
#include "station/restore/phone_log.h"
#include "station/restore/recovery_system.h"
#include "station/restore/restore_options.h"
#include "station/restore/stoppable_control.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

constexpr std::chrono::milliseconds kLookUp{500};

// Data types whose bytes go over a connection the provider makes itself.
constexpr std::array<std::string_view, 4> kOwnConnection = {
    "SystemImageData", "RecoveryOSASRImage", "BootabilityBundle", "BasebandUpdaterOutputData"};

std::int64_t Signed(View value) { return static_cast<std::int64_t>(value.Integer().value_or(0)); }

DataRequest RequestOf(View message, std::string type) {
  DataRequest request{std::move(type), message["Arguments"], std::nullopt};
  if (const auto port = message["DataPort"].Integer(); port && *port > 0 && *port < 65536)
    request.data_port = static_cast<std::uint16_t>(*port);
  return request;
}

class Dialogue {
 public:
  Dialogue(RestoredClient& restored, const ConnectToPort& connect,
           const ComponentSource& components, const RestoreSetup& setup, JobControl& control,
           const DialogueEvents& events)
      : control_(control),
        log_(setup.phone_log),
        shared_{restored},
        main_(shared_, true, control_),
        main_beside_(shared_, false, control_),
        context_{components,
                 setup,
                 control_,
                 connect,
                 [this, &events] {
                   image_sent_ = true;
                   events.image_sent();
                 },
                 memory_,
                 nullptr,
                 [this](View message, const std::string& type) {
                   return AnswerElsewhere(message, type);
                 }} {}

  Status Start() {
    KeepSavedDebugInfo();
    STATION_TRY(room, PrepareRecovery());
    Plist options =
        BuildRestoreOptions(context_.components.Identity(), context_.setup.preflight, room);
    return shared_.restored.StartRestore(std::move(options), control_);
  }

  Status Run() {
    auto done = Loop();
    control_.Stop();  // for what is still under way beside
    if (!done && crashed_ && done.error().code == ErrorCode::kPhoneGone)
      return Fail(ErrorCode::kRestoreDialogue, "restored crashed: " + done.error().context);
    return done;
  }

 private:
  Status Loop() {
    auto last_word = std::chrono::steady_clock::now();
    while (true) {
      if (auto error = asynchronous_.FirstError()) return std::unexpected(std::move(*error));
      auto message = Next();
      const auto now = std::chrono::steady_clock::now();
      if (!message && message.error().code == ErrorCode::kDeviceSilent) {
        if (now - std::max(last_word, control_.LastProgress()) > context_.setup.silence)
          return std::unexpected(message.error());
        continue;
      }
      if (!message) return std::unexpected(std::move(message).error());
      last_word = now;
      STATION_TRY(finished, Handle(message->Get()));
      if (finished) return {};
    }
  }

  Result<Plist> Next() {
    if (shared_.unread.empty()) return shared_.restored.Receive(kLookUp, control_);
    Plist message = std::move(shared_.unread.front());
    shared_.unread.pop_front();
    return message;
  }

  // True when the phone has said that it is done.
  Result<bool> Handle(View message) {
    const std::string type = message["MsgType"].String().value_or("");
    const auto* row =
        std::ranges::find(kHandlers, type, &std::pair<std::string_view, Handler>::first);
    if (row == kHandlers.end()) {
      Log(LogLevel::kInfo, "message ignored",
          {{"type", type.substr(0, 64)}, {"shape", ShapeOf(message)}});
      return false;
    }
    return (this->*row->second)(message);
  }

  using Handler = Result<bool> (Dialogue::*)(View);

  Status Provide(const DataRequest& request, AnswerChannel& main) {
    const bool own = std::ranges::find(kOwnConnection, request.type) != kOwnConnection.end();
    if (!request.data_port || own) return ProvideData(request, context_, main);
    STATION_TRY(connection, context_.connect(*request.data_port));
    PortChannel channel(std::move(connection), control_);
    return ProvideData(request, context_, channel);
  }

  Status AnswerElsewhere(View message, const std::string& fallback) {
    return Provide(RequestOf(message, message["DataType"].String().value_or(fallback)),
                   main_beside_);
  }

  // Signed for before the restore begins, so that nothing is erased for a system that cannot be had
  // whole.
  Result<std::optional<RecoverySystemRoom>> PrepareRecovery() {
    STATION_TRY(identity,
                FindRecoveryIdentity(context_.components.Identity(), context_.setup.manifest));
    if (!identity) return std::nullopt;
    STATION_TRY(system, PrepareRecoverySystem(*identity, context_.components, context_.setup));
    recovery_ = std::move(system);
    context_.recovery = recovery_.get();
    return std::optional(RoomFor(*recovery_));
  }

  Result<bool> OnDataRequest(View message) {
    STATION_CHECK(Provide(RequestOf(message, message["DataType"].String().value_or("")), main_));
    return false;
  }

  // The phone goes on talking while it waits for these, so they run beside the loop; the first
  // failure ends the restore.
  Result<bool> OnAsyncDataRequest(View message) {
    STATION_CHECK(asynchronous_.Start([this, copy = std::make_shared<Plist>(Plist::Copy(message))] {
      return Provide(RequestOf(copy->Get(), (*copy)["DataType"].String().value_or("")),
                     main_beside_);
    }));
    return false;
  }

  Result<bool> OnUpdaterOutput(View message) {
    STATION_CHECK(Provide(RequestOf(message, "BasebandUpdaterOutputData"), main_));
    return false;
  }

  Result<bool> OnProgress(View message) {
    const std::int64_t operation = Signed(message["Operation"]);
    const std::int64_t percent = Signed(message["Progress"]);
    if (operation != last_operation_)
      Log(LogLevel::kInfo, "phone progress",
          {{"operation", std::to_string(operation)},
           {"doing", std::string(OperationName(operation))}});
    last_operation_ = operation;
    // While the image streams its own bytes tell more; afterwards 1..100 are meant as percentages.
    if (image_sent_ && operation != 13 && percent >= 1 && percent <= 100)
      control_.Progress(static_cast<double>(percent) / 100.0, 0, 0);
    return false;
  }

  Result<bool> OnStatus(View message) {
    if (!message["Status"].IsInteger())
      return Fail(ErrorCode::kRestoreDialogue, "a StatusMsg without Status");
    const std::int64_t status = Signed(message["Status"]);
    const std::int64_t amr_error = Signed(message["AMRError"]);
    const std::string log = message["Log"].String().value_or("");
    log_.Append("log of this restore, status " + std::to_string(status), log);
    if (status != 0 || amr_error != 0)
      return std::unexpected(verdict_.OnFailure(status, amr_error, log));
    Plist received = Plist::Dict();
    received.Set("MsgType", Plist::String("ReceivedFinalStatusMsg"));
    STATION_CHECK(main_.Send(received));
    return true;
  }

  Result<bool> OnCheckpoint(View message) {
    auto verdict = verdict_.OnCheckpoint(message);
    const std::int64_t result = Signed(message["CHECKPOINT_RESULT"]);
    const std::string note = message["CHECKPOINT_ERROR"].String().value_or(
        message["CHECKPOINT_WARNING"].String().value_or(""));
    Log(result == 0 && note.empty() ? LogLevel::kInfo : LogLevel::kWarning, "checkpoint",
        {{"name", verdict_.LastCheckpoint()},
         {"complete", message["CHECKPOINT_COMPLETE"].Bool().value_or(false) ? "yes" : "no"},
         {"result", std::to_string(result)},
         {"note", note.substr(0, 500)}});
    if (!verdict) return std::unexpected(std::move(verdict).error());
    return false;
  }

  Result<bool> OnPreviousLog(View message) {
    log_.Append("log of an earlier restore", message["PreviousRestoreLog"].String().value_or(""));
    return false;
  }

  Result<bool> OnBasebandStatus(View message) {
    if (message["Accepted"].Bool().value_or(false)) return false;
    return Fail(ErrorCode::kDeviceStatusBaseband, "the baseband did not accept its update");
  }

  Result<bool> OnCrash(View message) {
    const View lines = message["RestoredBacktrace"];
    std::string backtrace = lines.String().value_or("");
    for (std::size_t i = 0; i < lines.Size(); ++i)
      backtrace += lines.At(i).String().value_or("") + "\n";
    crashed_ = true;
    log_.Append("restored crashed", backtrace);
    Log(LogLevel::kWarning, "restored crashed", {{"backtrace", backtrace.substr(0, 1000)}});
    return false;
  }

  Result<bool> OnAttestation(View) {
    Plist answer = Plist::Dict();
    answer.Set("RestoreShouldAttest", Plist::Bool(false));
    STATION_CHECK(main_.Send(answer));
    return false;
  }

  Result<bool> OnAsyncWait(View) { return false; }

  // What the phone kept of a restore that failed before this one.
  void KeepSavedDebugInfo() {
    const auto saved = shared_.restored.Query("SavedDebugInfo", control_);
    if (!saved) return;
    for (const char* key : {"PreviousExitStatus", "USBLog", "PanicLog"})
      log_.Append(std::string("saved ") + key, (*saved)[key].String().value_or(""));
  }

  static constexpr auto kHandlers = std::to_array<std::pair<std::string_view, Handler>>({
      {"DataRequestMsg", &Dialogue::OnDataRequest},
      {"AsyncDataRequestMsg", &Dialogue::OnAsyncDataRequest},
      {"ProgressMsg", &Dialogue::OnProgress},
      {"StatusMsg", &Dialogue::OnStatus},
      {"CheckpointMsg", &Dialogue::OnCheckpoint},
      {"PreviousRestoreLogMsg", &Dialogue::OnPreviousLog},
      {"BBUpdateStatusMsg", &Dialogue::OnBasebandStatus},
      {"BasebandUpdaterOutputData", &Dialogue::OnUpdaterOutput},
      {"RestoredCrash", &Dialogue::OnCrash},
      {"RestoreAttestation", &Dialogue::OnAttestation},
      {"AsyncWait", &Dialogue::OnAsyncWait},
  });

  StoppableControl control_;
  PhoneLog log_;
  PhoneVerdict verdict_;
  SharedConnection shared_;
  MainChannel main_;
  MainChannel main_beside_;
  RestoreMemory memory_;
  std::unique_ptr<RecoverySystem> recovery_;
  ProviderContext context_;
  std::atomic<bool> image_sent_{false};
  std::int64_t last_operation_ = -1;
  bool crashed_ = false;  // restored said so: that its connection closes is not the cable's fault
  AsyncRequests asynchronous_;  // goes first: it uses all of the above
};

}  // namespace

Status RunDialogue(RestoredClient& restored, const ConnectToPort& connect,
                   const ComponentSource& components, const RestoreSetup& setup,
                   JobControl& control, const DialogueEvents& events) {
  {
    Dialogue dialogue(restored, connect, components, setup, control, events);
    STATION_CHECK(dialogue.Start());
    STATION_CHECK(dialogue.Run());
  }
  restored.Goodbye(control);
  return {};
}

Status RunRestoreDialogue(RestoredClient& restored, const device::Device& device,
                          const ComponentSource& components, const RestoreSetup& setup,
                          JobControl& control, const DialogueEvents& events) {
  const ConnectToPort connect = [&](std::uint16_t port) { return device.Connect(port); };
  // Factory data goes through the host from the start; what fails there is the phone's to judge
  // (status 53).
  const FdrProxy factory_data(connect, setup.further_hosts, control);
  return RunDialogue(restored, connect, components, setup, control, events);
}

}  // namespace station::restore
