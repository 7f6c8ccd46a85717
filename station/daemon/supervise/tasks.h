#pragma once
// What stationd has other processes do, as plain structs, and what it hears back.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "station/base/enums.h"
#include "station/base/result.h"
#include "station/base/step_table.h"
#include "station/ledger/records.h"
#include "station/store/keeper/shelf.h"
#include "station/usb/port_act.h"

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
  std::vector<std::string> further_hosts;
  StepDeadlines deadlines;
  std::filesystem::path journal;
  ledger::UnixMillis arming_expires;  // 0: not to be looked at any more
  bool ask_ticket = false;            // a dry run that asks the signing server as well
  std::filesystem::path capture;      // where its dialogue is written; empty: nowhere
  store::WorkerFiles files;
};

// How a fetcher reaches the outside.
struct Network {
  std::string proxy = {};  // empty: what the environment says
  std::filesystem::path ca_file = {};
  std::uint64_t bytes_per_second = 0;  // 0: as fast as it comes
};

// A file of this machine, or else the first of the addresses that works. Hashes are hexadecimal and
// empty when they are not known, as is a size of 0.
struct ImportTask {
  std::filesystem::path source;
  std::filesystem::path store;
  std::string expected_sha256;
  std::vector<std::string> urls = {};
  std::string expected_sha1 = {};
  std::uint64_t size = 0;
  Network network = {};
};

struct FindTask {
  ledger::PhoneFacts phone;
  Action action = Action::kErase;
  std::string want;  // "latest", a version or a build
  std::string vendor_list_url;
  std::string ipsw_me_url;
  std::string signing_url;
  std::filesystem::path signing_ca_file;
  Network network;
};

// Reads an entry again and compares it with its digests.
struct CheckTask {
  std::filesystem::path store;
  std::string sha256;
  std::uint64_t from = 0;              // bytes that were read already
  std::uint64_t bytes_per_second = 0;  // 0: as fast as it goes
};

struct ExportTask {
  std::filesystem::path store;
  std::string sha256;
  std::filesystem::path target;  // a folder; the last word's context tells the file in it
};

// Something done to a port; no phone is talked to.
struct PortTask {
  PortAddress port;
  usb::PortAct act = usb::PortAct::kReset;
  std::chrono::milliseconds off{0};  // of a power cycle
  std::string command;               // of a restart of usbmuxd
};

struct Task {
  std::string name;  // "job-17", "import-3", "find-4", "port-5"
  std::variant<IdentifyTask, RestoreTask, ImportTask, FindTask, CheckTask, ExportTask, PortTask>
      orders;
};
// Which of the two programs does it.
[[nodiscard]] inline bool IsFetchers(const Task& task) {
  return !std::holds_alternative<IdentifyTask>(task.orders) &&
         !std::holds_alternative<RestoreTask>(task.orders) &&
         !std::holds_alternative<PortTask>(task.orders);
}
[[nodiscard]] inline std::string TaskName(JobId job) { return "job-" + std::to_string(job.value); }

// A worker's last word.
struct Ended {
  Outcome outcome = Outcome::kNone;
  ErrorCode error = ErrorCode::kNone;
  std::string context = {};
  Step step = Step::kNone;
  std::string os_build_after = {};
  std::string signer_root = {};
  std::string phone_log_sha256 =
      {};  // of the phone's own log, kept beside the journal; empty: it gave none
  std::chrono::seconds lets_go{0};  // the process may stay that long to bring its phone back
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

// A build some catalogue offers.
struct Offer {
  std::string product;
  std::string version;
  std::string build;
  std::vector<std::string> urls;
  std::uint64_t size = 0;
  std::string sha1;
  std::string sha256;
  std::optional<bool> is_signed;  // nothing: not asked
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
  virtual void OnFound(const std::string& task, const std::vector<Offer>& offers) = 0;
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
