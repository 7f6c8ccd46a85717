#pragma once
// The state thread's heart: every port, what happens at it, and what is done next. All calls on
// that one thread; nothing here waits. Decisions are scheduler/'s, this carries them out. By
// subject: cart_ports (what USB says), cart_identify, cart_arming, cart_jobs (a job's life),
// cart_hands (what needs somebody at the phone), cart_try (dry runs), cart_tasks (what workers
// say), cart_admission (who works now),
// cart_ladder (what is done to ports, and who is to blame), cart_watch
// (usbmuxd, hubs), cart_commands (what operators say),
// cart_startup.

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/admission.h"
#include "scheduler/arming.h"
#include "scheduler/blame.h"
#include "scheduler/never_wipe.h"
#include "scheduler/port_machine.h"
#include "scheduler/throughput.h"
#include "station/catalogue/catalogue.h"
#include "station/daemon/cart/act.h"
#include "station/daemon/cart/clock.h"
#include "station/daemon/cart/commands.h"
#include "station/daemon/cart/firmware.h"
#include "station/daemon/cart/port.h"
#include "station/daemon/cart/view.h"
#include "station/daemon/supervise/tasks.h"
#include "station/ledger/recorder.h"
#include "station/usb/topology.h"

namespace station::daemon {

struct CartSettings {
  std::size_t concurrency = 8;
  bool adapt = true;           // fewer, while fewer move more
  scheduler::Budgets budgets;  // `concurrency` is its `jobs`
  std::size_t identify_at_once = 4;
  std::chrono::seconds countdown{10};
  std::chrono::seconds arming_expiry{900};
  int button_tries = 3;                   // for somebody to do what a phone needs
  std::chrono::seconds button_wait{120};  // each
  std::chrono::seconds result_rest{5};  // a result is shown until its phone has been away that long
  scheduler::NeverWipeList never_wipe;
  std::string signing_url;
  std::filesystem::path signing_ca_file;
  std::vector<std::string> further_hosts;
  std::chrono::seconds mux_patience{20};  // for usbmuxd to list a phone that is on USB
  std::string mux_restart_command;        // empty: usbmuxd is left alone
  StepDeadlines deadlines;                // where they are not the step table's
  std::filesystem::path journal_dir;
  std::filesystem::path capture_dir;  // empty: no captures of restore dialogues
};

// What the cart works with; all outlive it.
struct CartParts {
  Clock& clock;
  ledger::Recorder& ledger;
  Workers& workers;
  FirmwareChoice& firmware;
  const catalogue::Catalogue& catalogue;
  CartObserver& observer;
  // Which port a path would be; kNotFound.
  std::function<Result<PortKey>(const PortPath&)> key_of;
  // The last word in a job's journal for this attempt; nothing when there is none.
  std::function<std::optional<Ended>(JobId, int attempt)> last_word;
  // Whether its journal has the orders of this attempt: writing them down is a worker's first act.
  std::function<bool(JobId, int attempt)> has_orders;
  // Where a port's sides are now; none when it is not there.
  std::function<std::vector<std::string>(const PortKey&)> sides_of = [](const PortKey&) {
    return std::vector<std::string>();
  };
  // Has a process do it, and answers once.
  std::function<void(PortTask, std::function<void(const Ended&)>)> act_on_port =
      [](const PortTask&, const std::function<void(const Ended&)>& done) {
        done({.error = ErrorCode::kUnavailable});
      };
  // What is being done about the firmware a product lacks, for the operator; empty: nothing.
  std::function<std::string(const std::string& product)> supply_text = [](const std::string&) {
    return std::string();
  };
};

// What the ledger remembers at the start.
struct Memory {
  std::map<PortKey, std::string> labels;
  std::vector<ledger::PhoneFacts> phones;
  std::vector<ledger::ArmingRow> armings;
  std::vector<ledger::JobRow> open_jobs;              // without an end
  std::vector<ledger::JobRow> last_jobs;              // the last ended restore job of each port
  std::map<std::string, std::string> downloads;       // as Imports wrote them down
  std::map<std::string, std::string> firmware_notes;  // as Keeper did
  bool emergency_stop = false;
  Drain drain = Drain::kOff;
  std::vector<ledger::AttemptOf> attempts;  // the newest
  scheduler::Services services;
};

// A phone as usbmuxd lists it.
struct MuxPhone {  // ordered by its place
  std::uint16_t bus = 0;
  std::uint16_t device_number = 0;
  std::string udid;
  bool newly_paired = false;  // somebody tapped Trust while it was listed
  friend auto operator<=>(const MuxPhone&, const MuxPhone&) = default;
};

class Cart : public TaskListener {
 public:
  Cart(CartSettings settings, CartParts parts);

  // Once, before anything else. `alive` are the tasks whose process still runs.
  void Recall(const Memory& memory, const std::set<std::string>& alive);

  // What the host sees.
  void OnUsb(const std::vector<usb::UsbPhone>& phones);
  void OnMux(bool connected, const std::set<MuxPhone>& phones);
  void OnFirmwareChanged();
  void OnSupplyText(const std::string& product);

  // What workers say.
  void OnIdentified(const std::string& task, const ledger::PhoneFacts& phone) override;
  void OnStep(const std::string& task, const StepReport& report) override;
  void OnProgress(const std::string& task, const ProgressReport& report) override;
  void OnFinished(const std::string& task, const Ended& ended) override;
  // Not a port's concern.
  void OnImported(const std::string&, const store::Entry&) override {}
  void OnFound(const std::string&, const std::vector<Offer>&) override {}
  void OnGone(const std::string& task) override;

  // What operators say.
  [[nodiscard]] Result<ArmPlan> PlanArm(const ArmSpec& spec);
  void Arm(const ArmSpec& spec, Act<ArmAnswer> act);
  void Disarm(const DisarmSpec& spec, Act<int> act);
  void CancelJob(const JobRef& ref, Act<ledger::JobRow> act);
  void RetryJob(const JobRef& ref, Act<ledger::JobRow> act);
  void Try(const TrySpec& spec, Act<ledger::JobRow> act);
  void SetEmergencyStop(bool engaged, Act<bool> act);
  void SetDrain(Drain drain, Act<Drain> act);
  void ActOnPort(const PortActSpec& spec, Act<PortView> act);
  void ServicePort(const std::string& port, const std::string& replaced, Act<PortView> act);
  void LabelPort(const std::string& port, const std::string& label, Act<PortView> act);

  // What is so.
  [[nodiscard]] std::vector<PortView> Ports() const;  // in the order of their labels
  [[nodiscard]] Result<PortView> FindPort(const std::string& name);
  [[nodiscard]] CartView View() const;
  [[nodiscard]] const scheduler::ArmingBook& Armings() const { return armings_; }
  [[nodiscard]] std::optional<ledger::JobRow> RunningJob(
      JobId id) const;                                        // what the ledger does not know yet
  [[nodiscard]] std::map<std::string, int> Leases() const;    // by SHA-256: jobs that hold it
  [[nodiscard]] std::set<std::string> FirmwareInUse() const;  // of jobs without an end

  [[nodiscard]] std::vector<BlameRow> BlameRows() const;

  static constexpr const char* kServicePrefix = "port_service/";  // of settings
  static constexpr std::size_t kMostFacts = 1000;                 // attempts looked at

  // No new work; what runs goes on.
  void StopTakingWork();

 private:
  using Records = std::vector<ledger::Record>;

  // ports
  Port& PortFor(const PortKey& key);
  Port* PortOfTask(const std::string& task);
  Port* PortOfJob(JobId id);
  [[nodiscard]] Result<PortKey> Resolve(const std::string& name) const;
  [[nodiscard]] std::string DefaultLabel(const PortKey& key) const;
  void Label(Port& port);
  void Relabel();
  void Came(Port& port, const usb::UsbPhone& phone);
  void Left(Port& port);
  [[nodiscard]] bool IsPhoneOfResult(const Port& port) const;
  bool Apply(Port& port, scheduler::PortEvent event);
  void Do(Port& port, scheduler::PortAction action);
  void TimeState(Port& port);
  void StateTimedOut(Port& port);
  void Forget(Port& port);
  void Changed(Port& port);
  void ProgressChanged(Port& port);
  void Publish(Port& port);
  [[nodiscard]] std::string WhatToDo(const Port& port) const;

  // identify
  void BeginIdentify(Port& port);
  void QueueIdentify(Port& port);
  void PumpIdentify();
  void StartIdentify(Port& port);
  void IdentifyEnded(Port& port, ErrorCode error, const std::string& context);
  void StopIdentify(Port& port, ErrorCode why = ErrorCode::kPhoneGone);
  void Complete(ledger::PhoneFacts& phone) const;

  // arming
  [[nodiscard]] std::optional<ErrorCode> WhyHeld(const Port& port, const scheduler::Arming& arming,
                                                 scheduler::Match match) const;
  void ConsiderArmings(Port& port);
  void ConsiderAll();
  void CountDown(Port& port);
  void Unarm(Port& port);
  void ExpireArmings();
  void LetGo(Port& port, Records& records);
  void Begin(const scheduler::Arming& arming);
  int WithdrawQueued(std::int64_t arming, const std::vector<PortKey>& keys);
  [[nodiscard]] static ledger::PutArming AsRecord(const scheduler::Arming& arming);
  [[nodiscard]] Result<scheduler::Arming> Understand(const ArmSpec& spec);
  [[nodiscard]] std::vector<ArmTarget> Targets(const scheduler::Arming& arming);

  // jobs
  [[nodiscard]] ledger::JobRow NewJob(const Port& port, Action action, const std::string& actor);
  void TakeUp(Port& port, const ledger::JobRow& job);
  void CreateJob(Port& port);
  void QueueJob(Port& port);
  void AwaitPhone(Port& port);
  [[nodiscard]] bool AwaitsFirmware(Port& port);
  void SayWhatIsMissing(Port& port);
  void TimeAbsence(Port& port);
  [[nodiscard]] static bool AwaitsItsPhone(const Port& port);
  void Pump();
  void RunWorker(Port& port);
  [[nodiscard]] ledger::UnixMillis ArmingExpires(const Port& port) const;
  void RunAgain(Port& port);
  void FinishAttempt(Port& port, const Ended& ended);
  void EndJob(Port& port);
  void WithdrawJob(Port& port, ErrorCode error, const std::string& context);
  void CloseStep(Port& port, Records& records);
  void TimeStep(Port& port, Step step);
  void SendCancel(Port& port);
  void LetItExit(Port& port, std::chrono::seconds longer = {});
  void KillFor(Port& port, ErrorCode reason, const std::string& context);
  [[nodiscard]] Status MayRetry(const Port& port, const ledger::JobRow& job) const;
  [[nodiscard]] Result<Port*> PortOf(const JobRef& ref);

  // admission
  [[nodiscard]] static scheduler::Budgets BudgetsOf(const CartSettings& settings);
  void SetGates();
  [[nodiscard]] Status MayBegin() const;
  void Sample();
  void SampleLater();

  // hands
  void AwaitHands(Port& port, bool next_is_ready);
  void HandsOver(Port& port);
  [[nodiscard]] bool AnswersHands(const Port& port) const;
  void GoOn(Port& port);
  static void ClearHands(Port& port);

  // watch (cart_watch)
  void WatchListing(Port& port);
  void NotListed(Port& port);
  void Missed(const Port& port);
  void CountLosses();

  // ladder
  [[nodiscard]] bool OthersRestore(const Port& port) const;
  [[nodiscard]] scheduler::Means MeansFor(const Port& port) const;
  [[nodiscard]] scheduler::Rung NextRung(const Port& port) const;
  void Climb(Port& port, scheduler::Rung rung);
  static void StopClimbing(Port& port);
  void CarryOutRung(Port& port);
  void Settled(Port& port);
  void StartAct(Port& port, usb::PortAct act, std::function<void(const Ended&)> then);
  void SetMuxRestarting(bool restarting);
  void Remember(const Port& port);
  void Judge();

  // dry runs
  [[nodiscard]] Status MayTry(const Port& port) const;
  void StoreTry(Port& port);

  // startup
  void RecallJob(const ledger::JobRow& job, bool alive);
  void QueueBack(Port& port);
  void TakeBack(Port& port);
  static void AwaitExit(Port& port, JobId job);
  void ShowResult(Port& port, const ledger::JobRow& job);

  // Answers the act once `records`, and the answer for its request id, are on disk.
  template <typename Answer>
  void Commit(Records records, Answer answer, Act<Answer> act);
  [[nodiscard]] ledger::PutEvent Event(std::string kind, const std::string& actor, const Port* port,
                                       std::string text = {}) const;
  [[nodiscard]] ledger::UnixMillis NowMillis() const { return ToUnixMillis(parts_.clock.Wall()); }
  void CartChanged() { parts_.observer.OnCart(View()); }

  CartSettings settings_;
  CartParts parts_;
  scheduler::PortMachine machine_ = scheduler::PortMachine::Standard();
  scheduler::ArmingBook armings_;
  scheduler::Admission slots_;
  scheduler::Admission identify_slots_;
  scheduler::StreamLimit stream_limit_;
  std::size_t storing_ = 0;     // new jobs whose rows are not on disk yet
  std::uint64_t streamed_ = 0;  // bytes, since the last sample
  std::map<PortKey, Port> ports_;
  std::map<PortKey, std::string> labels_;
  std::set<std::string> controllers_;  // that have a port
  std::map<Ecid, ledger::PhoneFacts> phones_;
  std::set<MuxPhone> mux_phones_;
  bool mux_connected_ = false;
  bool emergency_stop_ = false;
  Drain drain_ = Drain::kOff;
  bool ending_ = false;
  bool mux_restarting_ = false;
  SteadyTime mux_restarted_{};
  std::map<PortKey, SteadyTime> missed_;  // phones that left and should not have
  std::set<std::string> unswitchable_;    // hubs that were found unable to switch single ports
  std::vector<scheduler::AttemptFact> facts_;
  scheduler::Services services_;
  std::uint64_t revision_ = 0;
  Timer expiry_;
  Timer sample_;
  Timer losses_;
};

template <typename Answer>
void Cart::Commit(Records records, Answer answer, Act<Answer> act) {
  CommitAct(parts_.ledger, std::move(records), std::move(answer), std::move(act), NowMillis());
}

}  // namespace station::daemon
