#pragma once
// Worker processes without processes: each goes through the steps of its job on the floor, writes a
// journal, outlives the daemon and says the rest to the next one. What they check before they write
// is what a real worker checks (station/worker).

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "station/daemon/supervise/tasks.h"
#include "tests/simulation/floor.h"
#include "tests/simulation/pace.h"
#include "tests/simulation/wires.h"

namespace station::simulation {

struct Process {
  explicit Process(Clock& clock) : next(clock), stop_soon(clock) {}

  std::string task;
  int site = kNone;
  bool identifies = false;
  // Of a restore.
  JobId job;
  int attempt = 0;
  Ecid ecid;
  std::int64_t arming_expires = 0;
  Pace pace;

  std::size_t daemon = 0;  // which daemon started it
  Millis started{0};
  bool has_orders = false;
  bool linked = false;  // to the daemon there is now
  bool cancelled = false;
  bool emergency_stop = false;
  Step step = Step::kNone;
  bool destructive = false;  // of the running step
  bool destroyed = false;    // this attempt or one before has written
  bool moved = false;        // it was this job that brought the phone into recovery mode
  bool hung = false;
  std::optional<daemon::Ended> last_word;  // said or to be said; only its exit is missing

  daemon::Timer next;                     // what it does next
  daemon::Timer stop_soon;                // it noticed that it shall stop
  std::function<void()> when_there;       // it waits for its phone
  std::function<bool(PhoneMode)> wanted;  // in such a mode
  std::function<void()> when_gone;        // it does not expect its phone to leave
  std::optional<Wires::StreamId> stream;
};

// What is told as it happens, to whoever judges it or has something up its sleeve.
struct ProcessHooks {
  std::function<void(const Process&)> on_start = [](const Process&) {};
  std::function<void(const Process&)> on_step = [](const Process&) {};
  // It is about to write to that phone.
  std::function<void(const Process&, const Phone&)> on_write = [](const Process&, const Phone&) {};
  std::function<void(const Process&)> on_exit = [](const Process&) {};
  // What the signing server says to this phone.
  std::function<ErrorCode(const Process&)> sign = [](const Process&) { return ErrorCode::kNone; };
  // Whether usbmuxd answers.
  std::function<bool()> mux_up = [] { return true; };
  // A worker that does not look whom it has before it: only to prove that this is noticed.
  bool careless = false;
};

class Processes : public daemon::Workers {
 public:
  Processes(Clock& clock, Random& random, Floor& floor, Wires& wires,
            const std::vector<Pace>& paces, ProcessHooks& hooks)
      : clock_(clock),
        random_(random),
        floor_(floor),
        wires_(wires),
        paces_(paces),
        hooks_(hooks) {}

  Status Start(daemon::Task task) override;
  void Cancel(const std::string& task) override;
  void Kill(const std::string& task) override;
  void SetEmergencyStop(bool engaged) override;

  // The daemon goes, another comes; it is told which processes live.
  void DaemonGone();
  void DaemonBack(daemon::TaskListener& listener);
  [[nodiscard]] std::set<std::string> Alive() const;
  // The journal's.
  [[nodiscard]] std::optional<daemon::Ended> LastWord(JobId job, int attempt) const;
  [[nodiscard]] bool HasOrders(JobId job, int attempt) const;

  // What the floor says.
  void OnLeft(int site);
  void OnCame(int site);
  // usbmuxd is gone, and every connection through it.
  void OnMuxGone();

  // Mishaps.
  void Die(const std::string& task);
  void Hang(const std::string& task);
  bool refuse_to_start = false;

  [[nodiscard]] const std::map<std::string, std::unique_ptr<Process>>& Running() const {
    return running_;
  }
  [[nodiscard]] const Process* OfSite(int site) const;  // the restore there

 private:
  struct Journal {
    int attempt = 0;
    bool destroyed = false;
    std::optional<daemon::Ended> last_word;
  };

  // daemon and process
  void Hello(Process& process);
  void Link(Process& process);
  void Resume(const std::string& task, std::size_t daemon);
  void Say(const Process& process, std::function<void(daemon::TaskListener&)> message);
  void Exit(Process& process, Millis after);
  void NoticeStop(Process& process);
  [[nodiscard]] std::optional<ErrorCode> StopReason(const Process& process) const;

  // the story (story.cc)
  void Identify(Process& process);
  bool Begin(Process& process, Step step);
  void Await(Process& process, std::function<bool(PhoneMode)> wanted, Millis patience,
             ErrorCode lost, std::function<void()> then);
  void After(Process& process, Millis time, std::function<void()> then);
  void Bind(Process& process);
  void Look(Process& process);
  void Plan(Process& process);
  void Sign(Process& process);
  void EnterRecovery(Process& process);
  void BootRestoreOs(Process& process);
  void Stream(Process& process);
  void Flash(Process& process);
  void Confirm(Process& process);
  void Succeed(Process& process);
  void GiveUp(Process& process, ErrorCode error);
  void End(Process& process, daemon::Ended ended);
  void Rest(Process& process);
  [[nodiscard]] int PhoneOf(const Process& process) const { return floor_.Visible(process.site); }
  [[nodiscard]] bool IsItsPhone(const Process& process, int phone) const;

  Clock& clock_;
  Random& random_;
  Floor& floor_;
  Wires& wires_;
  const std::vector<Pace>& paces_;
  ProcessHooks& hooks_;
  daemon::TaskListener* listener_ = nullptr;  // nothing while no daemon runs
  std::size_t daemon_ = 0;
  bool emergency_stop_ = false;
  std::map<std::string, std::unique_ptr<Process>> running_;
  std::map<std::int64_t, Journal> journals_;
};

}  // namespace station::simulation
