#pragma once
// A cart with everything around it faked but the ledger and the store, which are real and in a
// temporary folder. Time stands until it is turned; workers do what the test says.

#include <utility>

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "station/daemon/cart/cart.h"
#include "station/daemon/cart/imports.h"
#include "station/daemon/recall.h"
#include "station/daemon/supervise/journals.h"
#include "station/ledger/ledger.h"
#include "station/link/journal.h"

namespace station::daemon {

class FakeClock : public Clock {
 public:
  [[nodiscard]] SteadyTime Now() const override { return SteadyTime(now_); }
  [[nodiscard]] WallTime Wall() const override {
    return WallTime(std::chrono::milliseconds(1'700'000'000'000) + now_);
  }
  TimerId After(std::chrono::milliseconds delay, std::function<void()> call) override {
    timers_.emplace(++last_, std::pair(now_ + delay, std::move(call)));
    return last_;
  }
  void Cancel(TimerId timer) override { timers_.erase(timer); }

  // Runs what falls due, in its order.
  void Advance(std::chrono::milliseconds time) {
    const std::chrono::milliseconds end = now_ + time;
    while (true) {
      auto next = timers_.end();
      for (auto it = timers_.begin(); it != timers_.end(); ++it)
        if (it->second.first <= end &&
            (next == timers_.end() || it->second.first < next->second.first))
          next = it;
      if (next == timers_.end()) break;
      now_ = std::max(now_, next->second.first);
      const auto call = std::move(next->second.second);
      timers_.erase(next);
      call();
    }
    now_ = end;
  }

 private:
  std::chrono::milliseconds now_{0};
  std::map<TimerId, std::pair<std::chrono::milliseconds, std::function<void()>>> timers_;
  TimerId last_ = 0;
};

class FakeWorkers : public Workers {
 public:
  Status Start(Task task) override {
    if (refuse_to_start) return Fail(ErrorCode::kWorkerStart, "as the test wants");
    const std::string name = task.name;
    running.insert_or_assign(name, std::move(task));
    started.push_back(name);
    return {};
  }
  void Cancel(const std::string& task) override { cancelled.insert(task); }
  void Kill(const std::string& task) override { killed.insert(task); }
  void SetEmergencyStop(bool engaged) override { emergency_stop = engaged; }

  std::map<std::string, Task> running;
  std::vector<std::string> started;
  std::set<std::string> cancelled;
  std::set<std::string> killed;
  bool emergency_stop = false;
  bool refuse_to_start = false;
};

// Completed ledger callbacks, brought to the test's thread.
class Mailbox {
 public:
  void Post(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    wake_.notify_one();
  }
  void RunOne() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return !calls_.empty(); });
    const auto call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    call();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> calls_;
};

struct Seen : CartObserver {
  void OnPort(const PortView& port) override { ++port_changes[port.key.value]; }
  void OnCart(const CartView&) override {}
  void OnJobEnded(const ledger::JobRow& job) override { ended.push_back(job); }
  void OnRung(const PortView& port) override { rungs.push_back(port.rung); }
  void OnHubLost(const std::string& hub, std::size_t) override { hubs_lost.push_back(hub); }
  void OnStepEnded(Step, std::chrono::duration<double>) override {}
  void OnBytes(const PortView&, std::uint64_t more) override { bytes += more; }
  std::map<std::string, int> port_changes;
  std::vector<ledger::JobRow> ended;
  std::vector<std::string> rungs;
  std::vector<std::string> hubs_lost;
  std::uint64_t bytes = 0;
};

inline constexpr Ecid kPhone1{0x1111};
inline constexpr Ecid kPhone2{0x2222};

inline usb::UsbPhone OnBus(std::uint8_t port, std::uint16_t number = 5,
                           PhoneMode mode = PhoneMode::kNormal,
                           std::string serial = std::string(40, 'a')) {
  usb::UsbPhone phone;
  phone.port = {"pci0000:00/0000:00:14.0:" + std::to_string(port)};
  phone.path = {1, {port}};
  phone.mode = mode;
  phone.product_id = mode == PhoneMode::kRecovery ? 0x1281 : 0x12A8;
  phone.serial = std::move(serial);
  phone.speed = "480";
  phone.device_number = number;
  return phone;
}

inline ledger::PhoneFacts Facts(Ecid ecid, const std::string& serial = "F2LAAAA") {
  ledger::PhoneFacts facts;
  facts.ecid = ecid;
  facts.udid = std::string(40, 'a');
  facts.serial_number = serial;
  facts.product = "iPhone10,1";
  facts.board = "d20ap";
  facts.os_version = "14.7";
  facts.os_build = "18G69";
  facts.mode = PhoneMode::kNormal;
  return facts;
}

class World {
 public:
  explicit World(CartSettings settings = {}) : settings_(std::move(settings)) {
    std::string name = testing::TempDir() + "cartXXXXXX";
    folder = ::mkdtemp(name.data());
    settings_.journal_dir = folder / "journals";
    std::filesystem::create_directory(settings_.journal_dir);
    catalogue_ = *catalogue::Catalogue::Parse(
        "products:\n  - {type: \"iPhone10,1\", name: \"iPhone 8\", board: d20ap, chip: 0x8015, "
        "board_id: 0x02}\n",
        "test");
    Begin({});
  }
  ~World() {
    cart.reset();
    ledger.reset();
    std::filesystem::remove_all(folder);
  }

  // A daemon (again) on the same folder.
  void Begin(const std::set<std::string>& alive) {
    ledger = std::move(*ledger::Ledger::Open(
        folder / "ledger.sqlite",
        [this](std::function<void()> call) { mailbox.Post(std::move(call)); }));
    reader.emplace(std::move(*ledger::Reader::Open(folder / "ledger.sqlite")));
    firmware.emplace(
        std::move(*store::Shelf::Open(folder / "store", store::StaleIncoming::kRemove)));
    EXPECT_TRUE(firmware->Refresh());
    cart = std::make_unique<Cart>(
        settings_,
        CartParts{
            .clock = clock,
            .ledger = *ledger,
            .workers = workers,
            .firmware = *firmware,
            .catalogue = catalogue_,
            .observer = seen,
            .key_of = [](const PortPath&) { return Fail(ErrorCode::kNotFound, "no such bus"); },
            .last_word = [dir = settings_.journal_dir](
                             JobId job, int attempt) { return LastWord(dir, job, attempt); },
            .has_orders = [dir = settings_.journal_dir](
                              JobId job, int attempt) { return HasOrders(dir, job, attempt); },
            .sides_of =
                [](const PortKey& key) {
                  const std::string chain = key.value.substr(key.value.rfind(':') + 1);
                  return std::vector<std::string>{"1-" + chain, "2-" + chain};
                },
            .act_on_port =
                [this](PortTask task, std::function<void(const Ended&)> done) {
                  acts.push_back({std::move(task), std::move(done)});
                }});
    cart->Recall(*ReadMemory(*reader), alive);
    Settle();
  }
  // As kill -9 would: nothing is closed in order, but what was queued in this process is lost only
  // with it.
  void Crash() {
    Settle();
    cart.reset();
    ledger.reset();
    workers.started.clear();
  }

  // Until the ledger has written everything, and what came of that as well.
  void Settle() {
    for (int round = 0; round < 4; ++round) {
      bool done = false;
      ledger->Append({}, [&](const Status&) { done = true; });
      while (!done) mailbox.RunOne();
    }
  }
  void Turn(std::chrono::milliseconds time) {
    clock.Advance(time);
    Settle();
  }

  void Plug(std::vector<usb::UsbPhone> phones) {
    std::set<MuxPhone> listed;
    for (const usb::UsbPhone& phone : phones)
      if (phone.mode == PhoneMode::kNormal)
        listed.insert({.bus = phone.path.bus, .device_number = phone.device_number, .udid = phone.serial});
    cart->OnUsb(phones);
    cart->OnMux(true, listed);
    Settle();
  }
  void ImportFirmware(const std::string& product = "iPhone10,1", char digit = '1',
                      const std::string& source = "") {
    auto shelf = *store::Shelf::Open(folder / "store", store::StaleIncoming::kKeep);
    auto incoming = *shelf.NewIncoming("test");
    for (const auto file : {store::Shelf::kIpswFile, store::Shelf::kIndexFile})
      std::ofstream(incoming.Folder() / file) << "content";
    store::Entry entry;
    entry.sha256 = *ParseSha256(std::string(64, digit));
    entry.size = 7;
    entry.version = "15.8";
    entry.build = "19H999";
    entry.products = {product};
    entry.source = source;
    entry.added_unix = ToUnixMillis(clock.Wall()).value / 1000;
    EXPECT_TRUE(shelf.Commit(std::move(incoming), entry));
    cart->OnFirmwareChanged();
    Settle();
  }
  // Plugs one phone in and lets its worker say who it is.
  void PlugAndIdentify(std::uint8_t port, const ledger::PhoneFacts& facts) {
    Plug({OnBus(port)});
    Identify(port, facts);
  }
  void Identify(std::uint8_t port, const ledger::PhoneFacts& facts) {
    ASSERT_EQ(View(port).state, PortState::kIdentifying);
    const std::string task = LastTask();
    cart->OnIdentified(task, facts);
    End(task, {});
  }
  void End(const std::string& task, const Ended& ended) {
    cart->OnFinished(task, ended);
    Die(task);
  }
  void Die(const std::string& task) {
    workers.running.erase(task);
    cart->OnGone(task);
    Settle();
  }
  [[nodiscard]] std::string LastTask() const {
    return workers.started.empty() ? "" : workers.started.back();
  }
  [[nodiscard]] PortView View(std::uint8_t port) {
    return *cart->FindPort("pci0000:00/0000:00:14.0:" + std::to_string(port));
  }

  Result<ArmAnswer> Arm(ArmSpec spec) {
    return Ask<ArmAnswer>([&](Act<ArmAnswer> act) { cart->Arm(spec, std::move(act)); });
  }
  Result<ArmAnswer> ArmPorts(std::vector<std::string> ports) {
    ArmSpec spec;
    spec.ports = std::move(ports);
    return Arm(spec);
  }
  Result<ledger::JobRow> Cancel(const std::string& port) {
    return Ask<ledger::JobRow>([&](Act<ledger::JobRow> act) {
      cart->CancelJob({{}, port}, std::move(act));
    });
  }
  Result<ledger::JobRow> Retry(const std::string& port) {
    return Ask<ledger::JobRow>([&](Act<ledger::JobRow> act) {
      cart->RetryJob({{}, port}, std::move(act));
    });
  }
  Result<int> Disarm(DisarmSpec spec) {
    return Ask<int>([&](Act<int> act) { cart->Disarm(spec, std::move(act)); });
  }
  Result<bool> EmergencyStop(bool engaged) {
    return Ask<bool>([&](Act<bool> act) { cart->SetEmergencyStop(engaged, std::move(act)); });
  }
  template <typename Answer>
  Result<Answer> Ask(const std::function<void(Act<Answer>)>& ask) {
    std::optional<Result<Answer>> answer;
    Act<Answer> act;
    act.actor = "test";
    act.reply = [&](Result<Answer> result) { answer = std::move(result); };
    ask(std::move(act));
    Settle();
    EXPECT_TRUE(answer.has_value()) << "every act is answered";
    return *answer;
  }

  // The act that is being done on a port ends so.
  void EndAct(const Ended& ended) {
    ASSERT_FALSE(acts.empty());
    const auto act = std::move(acts.front());
    acts.pop_front();
    act.done(ended);
    Settle();
  }

  struct RunningAct {
    PortTask task;
    std::function<void(const Ended&)> done;
  };
  std::deque<RunningAct> acts;
  std::filesystem::path folder;
  FakeClock clock;
  FakeWorkers workers;
  Seen seen;
  Mailbox mailbox;
  std::unique_ptr<ledger::Ledger> ledger;
  std::optional<ledger::Reader> reader;
  std::optional<FirmwareChoice> firmware;
  std::unique_ptr<Cart> cart;

 private:
  CartSettings settings_;
  catalogue::Catalogue catalogue_;
};

}  // namespace station::daemon
