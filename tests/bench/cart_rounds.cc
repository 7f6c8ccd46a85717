#include "tests/bench/cart_rounds.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "station/base/fd.h"
#include "tests/bench/rack_side.h"
#include "tests/rack/control/client.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using rack::Value;
using station::integration::Background;
using station::integration::BenchOptions;

constexpr const char* kBeforeImage = "system-image";
constexpr const char* kBehindImage = "write-persistent-files";
constexpr std::chrono::milliseconds kPoll{50};
constexpr std::chrono::milliseconds kSettle{500};     // after the last phone has come to the image
constexpr std::chrono::milliseconds kLogFlush{1500};  // the rack writes its log once a second
constexpr std::chrono::milliseconds kMemoryPause{500};  // it is dear to look
constexpr std::chrono::seconds kStreamPatience{900};
constexpr std::chrono::seconds kEndPatience{60};
constexpr std::chrono::seconds kMemoryTime{5};
constexpr std::array<std::string_view, 3> kStill = {"PORT_STATE_IDLE", "PORT_STATE_DONE",
                                                    "PORT_STATE_FAILED"};
constexpr std::uint64_t kFirstEcid = 0x100000;

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

std::string NameOf(int phone) { return fmt::format("P{}", phone); }
std::string PortOf(int phone) { return fmt::format("1-{}.{}", 1 + phone / 8, 1 + phone % 8); }
std::string EcidOf(int phone) {
  return fmt::format("{:#x}", kFirstEcid + static_cast<std::uint64_t>(phone));
}

BenchOptions OptionsFor(int phones, std::uint64_t os_size) {
  BenchOptions options;
  options.cart = "phones:\n";
  for (int i = 0; i < phones; ++i)
    options.cart += fmt::format(
        "  - {{name: {}, port: \"{}\", product: \"iPhone10,1\", ecid: \"{}\", os_build: \"18H17\", "
        "timing: {{finish: 1}}}}\n",
        NameOf(i), PortOf(i), EcidOf(i));
  options.extra_config = fmt::format(
      "jobs:\n  concurrency: {}\n  adapt: false\n  restored_port_rest: 0s\nbudgets:\n  "
      "controller_endpoints: 0\n",
      phones);
  options.os_size = os_size;
  return options;
}

double WallClock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double ThreadCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

bool Complain(const station::integration::Finished& finished) {
  fmt::print(stderr, "{}{}\n", finished.out, finished.err);
  return false;
}

// Makes the next reader go to the disk.
void DropFromPageCache(const fs::path& file) {
  if (const auto fd = station::OpenForReading(file))
    (void)posix_fadvise(fd->Get(), 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace

const char* Name(Sender sender) {
  switch (sender) {
    case Sender::kStation:
      return "station";
    case Sender::kIdevicerestore:
      return "idevicerestore";
    case Sender::kBareLoop:
      return "bare sendfile";
  }
  return "";
}

CartRounds::CartRounds(int phones, std::uint64_t os_size, bool sparse)
    : phones_(phones), os_size_(os_size), sparse_(sparse), bench_(OptionsFor(phones, os_size)) {}

fs::path CartRounds::Folder() const { return bench_.StateDir().parent_path(); }

bool CartRounds::Prepare() {
  bench_.Start();
  station_runs_ = true;
  firmware_.file = Folder() / "firmware.ipsw";
  std::vector<std::string> forge = {"forge",
                                    "--manifest",
                                    STATION_SOURCE_DIR "/tests/rack/manifests/iphone8_ios15.plist",
                                    "--os-size",
                                    std::to_string(os_size_),
                                    "--json",
                                    "--out",
                                    firmware_.file};
  if (sparse_) forge.emplace_back("--sparse");
  const auto forged = bench_.Rack(forge);
  if (forged.exit_code != 0) return Complain(forged);
  const YAML::Node report = YAML::Load(forged.out);
  firmware_.sha256 = report["sha256"].as<std::string>();
  firmware_.os_digest = report["os_digest"].as<std::string>();
  const auto added =
      bench_.CtlRaw({"firmware", "add", firmware_.file, "--sha256", firmware_.sha256}, 900);
  if (added.exit_code != 0) return Complain(added);
  if (!sparse_) bare_image_ = MakeImage(Folder(), "bare.dmg", os_size_, false);
  return true;
}

void CartRounds::Fault(const std::vector<std::string>& words) {
  for (int i = 0; i < phones_; ++i)
    (void)rack::AskRack(Folder() / "rack",
                        Value::Dict{{"Command", "fault"},
                                    {"Phone", NameOf(i)},
                                    {"Words", Value::Array(words.begin(), words.end())}});
}

int CartRounds::CountPhones(const PhoneTest& holds) const {
  const auto answer = rack::AskRack(Folder() / "rack", Value::Dict{{"Command", "status"}});
  const Value* list = answer ? answer->Find("Phones") : nullptr;
  if (list == nullptr || list->AsArray() == nullptr) return 0;
  return static_cast<int>(std::ranges::count_if(*list->AsArray(), holds));
}

bool CartRounds::AwaitPhones(const std::string& what, int phones, int seconds,
                             const PhoneTest& holds) const {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  int there = 0;
  while ((there = CountPhones(holds)) < phones && Clock::now() < deadline)
    std::this_thread::sleep_for(kPoll);
  if (there < phones)
    fmt::print(stderr, "{} of {} phones within {} s: {}\n", there, phones, seconds, what);
  return there >= phones;
}

// Every round begins in the same mode.
void CartRounds::ToRecoveryMode() {
  for (int i = 0; i < phones_; ++i)
    (void)rack::AskRack(Folder() / "rack", Value::Dict{{"Command", "press"},
                                                       {"Phone", NameOf(i)},
                                                       {"Words", Value::Array{"recovery"}}});
  (void)AwaitPhones("recovery mode", phones_, 60, [](const Value& phone) {
    return phone.Text("mode") == "recovery" && phone.Flag("plugged");
  });
}

// Runs what the sender runs, for the first `phones` of the cart.
void CartRounds::StartSenders(Sender sender, int phones) {
  if (sender == Sender::kStation) {
    if (!station_runs_) bench_.StartStation();
    station_runs_ = true;
    const bool still = bench_.Await(
        "all phones known",
        [&] {
          std::ptrdiff_t quiet = 0;
          for (const auto& port : bench_.Ctl({"ports"})["ports"])
            quiet += std::ranges::count(kStill, port["state"].as<std::string>());
          return quiet == phones_;
        },
        180);
    if (!still) (void)Complain(bench_.CtlRaw({"ports"}));
    std::vector<std::string> arm = {"arm", "--countdown", "0s", "--yes"};
    for (int i = 0; i < phones; ++i) arm.insert(arm.end(), {"--ecid", EcidOf(i)});
    if (const auto armed = bench_.CtlRaw(arm); armed.exit_code != 0) (void)Complain(armed);
    return;
  }
  if (station_runs_) bench_.StopStation();
  station_runs_ = false;
  for (int i = 0; i < phones; ++i) {
    const fs::path cache = Folder() / ("cache" + NameOf(i));
    fs::create_directories(cache);
    clients_.emplace_back(
        std::vector<std::string>{std::string(STATION_BIN_DIR) + "/station-rack", "exec", "--dir",
                                 Folder() / "rack", "--phone", NameOf(i), "--", "idevicerestore",
                                 "-e", "-y", "-s", "-i", EcidOf(i), "-C", cache, firmware_.file},
        Folder() / (NameOf(i) + ".out"));
  }
}

std::vector<pid_t> CartRounds::Senders(Sender sender) const {
  return ProcessesNamed(sender == Sender::kStation ? "station-worker" : "idevicerestore",
                        Folder().string() + "/");
}

fs::path CartRounds::FirmwareFile(Sender sender) const {
  if (sender != Sender::kStation) return firmware_.file;
  return bench_.StateDir() / "store/objects" / firmware_.sha256 / "firmware.ipsw";
}

// When the rack's log says that the last image was there, in seconds since 1970; 0 when it does
// not.
double CartRounds::LastImageTaken(double since) const {
  std::this_thread::sleep_for(kLogFlush);
  double last = 0;
  std::ifstream log(Folder() / "rack/rack.log");
  for (std::string line; std::getline(log, line);) {
    if (line.find(" asr_bytes=") == std::string::npos) continue;
    std::tm parts{};
    const char* rest = strptime(line.c_str(), "[%Y-%m-%d %H:%M:%S", &parts);
    if (rest == nullptr) continue;
    parts.tm_isdst = -1;
    const double at = static_cast<double>(std::mktime(&parts)) + std::strtod(rest, nullptr);
    if (at >= since) last = std::max(last, at);
  }
  return last;
}

void CartRounds::Stream(Round& round, Sender sender, bool cold) {
  std::this_thread::sleep_for(kSettle);
  if (cold) DropFromPageCache(FirmwareFile(sender));
  ProcessWatch senders(Senders(sender));
  ProcessWatch phones(
      ProcessesNamed("station-rack", std::string("run\0--cart\0", 11) + Folder().string()));
  ProcessWatch daemon(ProcessesNamed("stationd", Folder().string() + "/"));
  const double begin = WallClock();
  Fault({"hold-at-step", kBehindImage});
  auto next_look = Clock::now();
  const PhoneTest taken = [](const Value& phone) { return phone.Text("held_at") == kBehindImage; };
  for (const auto end = Clock::now() + kStreamPatience;
       CountPhones(taken) < phones_ && Clock::now() < end;) {
    if (Clock::now() >= next_look) {
      senders.LookAtMemory();
      next_look = Clock::now() + kMemoryPause;
    }
    std::this_thread::sleep_for(kPoll);
  }
  round.sender = senders.Spent();
  round.rack_cpu_seconds = phones.Spent().cpu_seconds;
  round.sender_memory = senders.LargestMemory();
  daemon.LookAtMemory();
  round.stationd_memory = daemon.LargestMemory();
  round.stream_seconds = std::max(0.0, LastImageTaken(begin) - begin);
}

Round CartRounds::Measure(Sender sender, bool cold) {
  if (sender == Sender::kBareLoop) return BareRound();
  Round round;
  Fault({"none"});
  ToRecoveryMode();
  Fault({"hold-at-step", kBeforeImage});
  ++rounds_;
  const auto is_restored = [&](const Value& phone) {
    return phone.Text("mode") == "normal" && phone.Number("restores_completed") == rounds_ &&
           !phone.Flag("user_data_present") && phone.Text("os_image_digest") == firmware_.os_digest;
  };
  const auto begin = Clock::now();
  StartSenders(sender, phones_);
  if (AwaitPhones("before the image", phones_, 300,
                  [](const Value& phone) { return phone.Text("held_at") == kBeforeImage; }))
    Stream(round, sender, cold);
  for (const pid_t pid : Senders(sender)) round.job_written += CostOf(pid).disk_written;
  Fault({"none"});
  (void)AwaitPhones("restored", phones_, 300, is_restored);
  round.wall_seconds = Seconds(Clock::now() - begin);
  // A worker still confirms when its phone is up already; the next turn must not surprise it.
  for (const auto end = Clock::now() + kEndPatience;
       !Senders(sender).empty() && Clock::now() < end;)
    std::this_thread::sleep_for(kPoll);
  round.restored = CountPhones(is_restored);
  clients_.clear();
  return round;
}

Round CartRounds::BareRound() {
  Round round;
  const std::string folder = Folder() / "bare";
  fs::create_directories(folder);
  const RackRound sinks{.folder = folder,
                        .phones = phones_,
                        .streams = phones_,
                        .checksums = true,
                        .known = true,
                        .image = bare_image_.recipe};
  RackSide side(sinks);
  if (!side.Ready()) return round;
  bare_image_.sent.checksums = true;
  std::vector<double> cpu(static_cast<std::size_t>(phones_));
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> senders;
    for (int i = 0; i < phones_; ++i)
      senders.emplace_back([&, i] {
        (void)SendThroughMux(RackSide::MuxSocket(sinks), RackSide::Udid(i), bare_image_.sent);
        cpu[static_cast<std::size_t>(i)] = ThreadCpuSeconds();
      });
  }
  const Footprint seen = side.Finish();
  round.stream_seconds = Seconds(Clock::now() - begin);
  round.restored = seen.accepted;
  round.rack_cpu_seconds = seen.cpu_seconds;
  for (const double seconds : cpu) round.sender.cpu_seconds += seconds;
  return round;
}

Round CartRounds::Memory(int phones) {
  Round round;
  Fault({"none"});
  ToRecoveryMode();
  Fault({"hold-at-step", kBeforeImage});
  StartSenders(Sender::kStation, phones);
  if (!AwaitPhones("before the image", phones, 300,
                   [](const Value& phone) { return phone.Text("held_at") == kBeforeImage; }))
    return round;
  ProcessWatch senders(Senders(Sender::kStation));
  ProcessWatch daemon(ProcessesNamed("stationd", Folder().string() + "/"));
  Fault({"none"});
  for (const auto end = Clock::now() + kMemoryTime; Clock::now() < end;) {
    std::this_thread::sleep_for(kMemoryPause);
    senders.LookAtMemory();
    daemon.LookAtMemory();
  }
  round.sender = senders.Spent();
  round.restored = static_cast<int>(senders.Count());
  round.sender_memory = senders.LargestMemory();
  round.stationd_memory = daemon.LargestMemory();
  // The images are not waited for: the workers, whose steps cannot be cancelled, go first.
  bench_.StopStation();
  station_runs_ = false;
  for (const pid_t pid : Senders(Sender::kStation)) (void)::kill(pid, SIGKILL);
  return round;
}

}  // namespace bench
