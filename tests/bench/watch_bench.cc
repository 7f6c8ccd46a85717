// How soon watchers of the API hear that a phone left its port, and what stationd costs while
// nothing happens: many ports, many watchers.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "station/v1/station.grpc.pb.h"
#include "tests/bench/process_watch.h"
#include "tests/integration/bench.h"
#include "tests/rack/control/client.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace v1 = station::v1;
using station::integration::Bench;
using station::integration::BenchOptions;

constexpr int kHubPorts = 10;
constexpr auto kBetween = 60ms;  // events
constexpr auto kPatience = 20s;  // for the last one to be heard of

// Two controllers take turns, hub by hub: a bus has 127 addresses.
std::string PortOf(int i) {
  const int hub = i / kHubPorts;
  return fmt::format("{}-{}.{}", hub % 2 == 0 ? 1 : 3, hub / 2 + 1, i % kHubPorts + 1);
}

BenchOptions OptionsFor(int ports, std::filesystem::path bin) {
  BenchOptions options;
  options.bin = std::move(bin);
  options.cart = "phones:\n";
  for (int i = 0; i < ports; ++i)
    options.cart += fmt::format(
        "  - {{name: P{}, port: \"{}\", product: \"iPhone10,1\", ecid: \"{:#x}\", os_build: "
        "\"18H17\", mode: recovery, recording: false}}\n",
        i, PortOf(i), 0xeb000 + i);
  return options;
}

// One stream of the API, read on a thread of its own.
class Watcher {
 public:
  explicit Watcher(const std::string& socket)
      : ports_(v1::Ports::NewStub(grpc::CreateChannel(socket, grpc::InsecureChannelCredentials()))),
        stream_(ports_->WatchPorts(&context_, {})),
        thread_([this] { Read(); }) {}
  ~Watcher() { context_.TryCancel(); }
  // When it was told that a port is empty, by its key.
  [[nodiscard]] std::map<std::string, Clock::time_point> Emptied() {
    const std::scoped_lock lock(mutex_);
    return emptied_;
  }

 private:
  void Read() {
    for (v1::WatchPortsResponse told; stream_->Read(&told);) {
      if (told.port().state() != v1::PORT_STATE_EMPTY) continue;
      const std::scoped_lock lock(mutex_);
      emptied_.try_emplace(told.port().key(), Clock::now());
    }
  }

  grpc::ClientContext context_;
  std::unique_ptr<v1::Ports::Stub> ports_;
  std::unique_ptr<grpc::ClientReader<v1::WatchPortsResponse>> stream_;
  std::mutex mutex_;
  std::map<std::string, Clock::time_point> emptied_;
  std::jthread thread_;
};

// By where their phones are plugged in.
std::map<std::string, std::string> KeysOf(Bench& bench) {
  std::map<std::string, std::string> keys;
  const YAML::Node ports = bench.Ctl({"ports"})["ports"];
  for (const YAML::Node& port : ports)
    keys[port["path"].as<std::string>()] = port["key"].as<std::string>();
  return keys;
}

int CountIdle(Bench& bench) {
  const YAML::Node ports = bench.Ctl({"ports"})["ports"];
  return static_cast<int>(std::ranges::count_if(ports, [](const auto& port) {
    return port["state"].template as<std::string>() == "PORT_STATE_IDLE";
  }));
}

bool Unplug(const Bench& bench, int i) {
  return rack::AskRack(bench.RackDir(), rack::Value::Dict{{"Command", "unplug"},
                                                          {"Phone", fmt::format("P{}", i)},
                                                          {"Words", rack::Value::Array{}}})
      .has_value();
}

double Quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"measures how soon watchers hear of events, and what watching costs"};
  int ports = 200;
  int watchers = 20;
  int idle_seconds = 20;
  std::string bin = STATION_BIN_DIR;
  app.add_option("--ports", ports, "phones of the rack")->check(CLI::Range(1, 500));
  app.add_option("--watchers", watchers, "streams of the API")->check(CLI::Range(1, 200));
  app.add_option("--idle", idle_seconds, "seconds to watch nothing happen")
      ->check(CLI::Range(1, 3600));
  app.add_option("--bin", bin, "where the programs lie");
  CLI11_PARSE(app, argc, argv);
  testing::InitGoogleTest();

  Bench bench(OptionsFor(ports, bin));
  bench.Start();
  if (!bench.Await(
          "all phones known", [&] { return CountIdle(bench) == ports; }, 600))
    return 1;
  const std::string socket = "unix:" + (bench.RunDir() / "viewer.sock").string();
  std::vector<std::unique_ptr<Watcher>> streams;
  for (int i = 0; i < watchers; ++i) streams.push_back(std::make_unique<Watcher>(socket));
  std::this_thread::sleep_for(3s);

  bench::ProcessWatch daemon(
      bench::ProcessesNamed("stationd", bench.RunDir().parent_path().string()));
  if (daemon.Count() != 1) return fmt::print(stderr, "stationd was not found\n"), 1;
  std::this_thread::sleep_for(std::chrono::seconds(idle_seconds));
  const double idle = daemon.Spent().cpu_seconds / idle_seconds;

  std::map<std::string, std::string> keys = KeysOf(bench);
  std::map<std::string, Clock::time_point> left;
  for (int i = 0; i < ports; ++i) {
    left[keys[PortOf(i)]] = Clock::now();
    if (!Unplug(bench, i)) return fmt::print(stderr, "the rack did not answer\n"), 1;
    std::this_thread::sleep_for(kBetween);
  }
  const auto heard_all = [&](Watcher& watcher) {
    return watcher.Emptied().size() == static_cast<std::size_t>(ports);
  };
  for (const auto end = Clock::now() + kPatience;
       Clock::now() < end &&
       !std::ranges::all_of(streams, [&](const auto& watcher) { return heard_all(*watcher); });)
    std::this_thread::sleep_for(100ms);

  std::vector<double> delays;  // ms
  for (const auto& watcher : streams)
    for (const auto& [port, heard] : watcher->Emptied())
      if (const auto event = left.find(port); event != left.end())
        delays.push_back(std::chrono::duration<double, std::milli>(heard - event->second).count());
  std::ranges::sort(delays);
  const auto expected = static_cast<std::size_t>(ports) * static_cast<std::size_t>(watchers);
  if (delays.size() != expected)
    return fmt::print(stderr, "{} of {} events were heard of\n", delays.size(), expected), 1;
  fmt::print(
      "{} ports, {} watchers: event to watcher median {:.1f} ms, p99 {:.1f} ms, largest {:.1f} ms; "
      "stationd idle {:.2f} % of a core\n",
      ports, watchers, Quantile(delays, 0.5), Quantile(delays, 0.99), delays.back(), 100 * idle);
  streams.clear();
  return 0;
}
