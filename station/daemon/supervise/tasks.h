#pragma once
// What stationd has other processes do, as plain structs, and what it hears back.

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "station/base/enums.h"
#include "station/base/result.h"
#include "station/ledger/records.h"
#include "station/store/keeper/shelf.h"

namespace station::daemon {

struct PortAddress {
  PortKey key;
  std::vector<std::string> paths;  // where its sides are now, the phone's present one first
  std::string label;
};

struct IdentifyTask {
  JobId job;
  PortAddress port;
  PhoneMode mode = PhoneMode::kNone;
  std::string usb_serial;
};

struct RestoreTask {
  JobId job;
  int attempt = 1;
  PortAddress port;
  ledger::PhoneFacts phone;
  Action action = Action::kErase;
  std::string firmware_sha256;
  std::string signing_url;
  std::filesystem::path signing_ca_file;
  std::filesystem::path journal;
  store::WorkerFiles files;
};

struct ImportTask {
  std::filesystem::path source;
  std::filesystem::path store;
  std::string expected_sha256;
};

struct Task {
  std::string name;  // "job-17", "import-3"
  std::variant<IdentifyTask, RestoreTask, ImportTask> orders;
};
[[nodiscard]] inline std::string TaskName(JobId job) { return "job-" + std::to_string(job.value); }

// A worker's last word.
struct Ended {
  Outcome outcome = Outcome::kNone;
  ErrorCode error = ErrorCode::kNone;
  std::string context = {};
  Step step = Step::kNone;
  std::string os_build_after = {};
  std::string signer_root = {};
};

struct StepReport {
  Step step = Step::kNone;
  bool destructive = false;
  std::string signer_root = {};
};

struct ProgressReport {
  Step step = Step::kNone;
  double step_fraction = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
};

// Called on the state thread, never from within a call to Workers.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  virtual void OnIdentified(const std::string& task, const ledger::PhoneFacts& phone) = 0;
  virtual void OnStep(const std::string& task, const StepReport& report) = 0;
  virtual void OnProgress(const std::string& task, const ProgressReport& report) = 0;
  virtual void OnFinished(const std::string& task, const Ended& ended) = 0;
  virtual void OnImported(const std::string& task, const store::Entry& entry) = 0;
  virtual void OnGone(const std::string& task) = 0;  // the process has ended; nothing follows
};

class Workers {
 public:
  virtual ~Workers() = default;
  // kWorkerStart. The task's process is sent its orders once it says Hello.
  [[nodiscard]] virtual Status Start(Task task) = 0;
  virtual void Cancel(const std::string& task) = 0;
  virtual void Kill(const std::string& task) = 0;  // SIGKILL; OnGone follows
  virtual void SetEmergencyStop(bool engaged) = 0;
};

}  // namespace station::daemon
