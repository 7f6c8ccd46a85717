#include "tests/bench/rack_side.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stop_token>
#include <thread>

#include "tests/rack/control/presence.h"
#include "tests/rack/mux/server.h"
#include "tests/rack/restore/asr.h"
#include "tests/rack/signer/tss.h"
#include "tests/rack/usb/usb_bus.h"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kSample{20};
constexpr int kPhonesPerHub = 8;

std::uint64_t StatusNumber(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return std::strtoull(line.c_str() + std::strlen(key), nullptr, 10);
  return 0;
}

std::uint64_t Descriptors() {
  return static_cast<std::uint64_t>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Watches its own process from construction to Stop.
class Watch {
 public:
  Watch() : cpu_(CpuSeconds()) {
    seen_.resident_before = StatusNumber("VmRSS:") << 10U;
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        Sample();
        std::this_thread::sleep_for(kSample);
      }
    });
  }
  Footprint Stop() {
    thread_.request_stop();
    thread_.join();
    Sample();
    seen_.cpu_seconds = CpuSeconds() - cpu_;
    return seen_;
  }

 private:
  void Sample() {
    seen_.resident_peak = std::max(seen_.resident_peak, StatusNumber("VmRSS:") << 10U);
    seen_.threads = std::max(seen_.threads, StatusNumber("Threads:"));
    seen_.descriptors = std::max(seen_.descriptors, Descriptors());
  }
  const double cpu_;
  Footprint seen_;
  std::jthread thread_;
};

std::string CartOf(int phones) {
  std::string cart = "phones:\n";
  for (int i = 0; i < phones; ++i)
    cart += fmt::format(
        "  - {{port: \"1-{}.{}\", product: \"iPhone10,1\", ecid: \"{:#x}\", udid: \"{}\"}}\n",
        1 + i / kPhonesPerHub, 1 + i % kPhonesPerHub, 0x1000 + i, RackSide::Udid(i));
  return cart;
}

// Phones in restore mode, with everything a running rack has around them but the signer.
class RestoringCart {
 public:
  RestoringCart(const RackRound& round, const rack::RootOfTrust& root,
                const rack::ProductTable& products)
      : records_(round.folder + "/pairing"), bus_(round.folder + "/w") {
    mux_ =
        rack::MuxServer::Start(RackSide::MuxSocket(round), devices_, records_, gate_, std::nullopt)
            .value();
    const auto cart = rack::ParseCart(CartOf(round.phones), "", products).value();
    for (const rack::PhoneSpec& spec : cart) {
      phones_.push_back(std::make_unique<rack::Phone>(spec, root, ""));
      phones_.back()->Change([](rack::PhoneState& state) { state.stage = rack::Stage::kRestore; });
      presences_.push_back(
          std::make_unique<rack::Presence>(*phones_.back(), rack::Host{bus_, &devices_}));
    }
  }
  [[nodiscard]] rack::Phone& Phone(std::size_t index) { return *phones_[index]; }
  [[nodiscard]] std::shared_ptr<rack::Attachment> AttachmentOf(std::size_t index) const {
    for (const rack::MuxDevice& device : devices_.List())
      if (device.phone == phones_[index]->Spec().name) return device.attachment;
    return nullptr;
  }

 private:
  rack::MuxDevices devices_;
  rack::PairRecords records_;
  rack::Gate gate_;
  rack::UsbBus bus_;
  std::unique_ptr<rack::MuxServer> mux_;
  std::vector<std::unique_ptr<rack::Phone>> phones_;
  std::vector<std::unique_ptr<rack::Presence>> presences_;
};

void Say(int pipe, const std::string& line) {
  if (write(pipe, line.data(), line.size()) < 0) _exit(1);
}

void Report(int pipe, const Footprint& seen) {
  Say(pipe, fmt::format("{} {} {} {} {} {}\n", seen.resident_before, seen.resident_peak,
                        seen.threads, seen.descriptors, seen.cpu_seconds, seen.accepted));
}

rack::AsrOptions OptionsFor(const RackRound& round) {
  rack::AsrOptions options;
  options.checksums = round.checksums;
  options.signed_digest = round.image.digests.front();
  if (round.known) options.recipes = {round.image};
  return options;
}

void RunRack(const RackRound& round, int pipe) {
  const auto products = rack::ProductTable::Load(rack::ProductTable::DefaultFile()).value();
  const auto keys = rack::SigningKeys::LoadOrCreate(rack::DefaultKeyFolder()).value();
  const auto root = rack::RootOfTrust::FromPem(keys.RootPem()).value();
  RestoringCart cart(round, root, products);
  std::vector<std::unique_ptr<rack::AsrReceiver>> receivers;
  for (int i = 0; i < round.streams; ++i) {
    const auto index = static_cast<std::size_t>(i);
    receivers.push_back(std::make_unique<rack::AsrReceiver>(
        cart.Phone(index), *cart.AttachmentOf(index), OptionsFor(round)));
    receivers.back()->Listen();
  }
  Watch watch;
  std::atomic<int> accepted{0};
  {
    std::vector<std::jthread> threads;
    for (auto& receiver : receivers)
      threads.emplace_back([&] { accepted += receiver->Receive().has_value() ? 1 : 0; });
    Say(pipe, "ready\n");
  }
  Footprint seen = watch.Stop();
  seen.accepted = accepted;
  Report(pipe, seen);
}

void RunDropping(const RackRound& round, int pipe) {
  const auto listener = rack::ListenUnix(RackSide::PlainSocket(round), round.streams).value();
  Watch watch;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < round.streams; ++i)
      threads.emplace_back([&] {
        const station::Fd fd(accept(listener.Get(), nullptr, nullptr));
        std::vector<char> buffer(1U << 20U);
        while (read(fd.Get(), buffer.data(), buffer.size()) > 0) {
        }
      });
    Say(pipe, "ready\n");
  }
  Report(pipe, watch.Stop());
}

std::string ReadLine(int pipe) {
  std::string line;
  char c = 0;
  while (read(pipe, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace

std::string RackSide::Udid(int phone) { return fmt::format("{:040x}", 0xCA27000 + phone); }

RackSide::RackSide(const RackRound& round, bool rack) {
  int ends[2];
  if (pipe(ends) != 0) return;
  pid_ = fork();
  if (pid_ == 0) {
    close(ends[0]);
    fs::create_directories(round.folder + "/pairing");
    fs::create_directories(round.folder + "/w");
    spdlog::set_level(spdlog::level::err);
    (rack ? RunRack : RunDropping)(round, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  pipe_ = ends[0];
  ready_ = ReadLine(pipe_) == "ready";
}

Footprint RackSide::Finish() {
  std::istringstream line(ReadLine(pipe_));
  Footprint seen;
  line >> seen.resident_before >> seen.resident_peak >> seen.threads >> seen.descriptors >>
      seen.cpu_seconds >> seen.accepted;
  return seen;
}

RackSide::~RackSide() {
  close(pipe_);
  waitpid(pid_, nullptr, 0);
}

}  // namespace bench
