// Phones come and go over and over: what stationd holds (descriptors, threads, memory) must be the
// same after thousands of them. Prints a table, a row for each turn of all ports, and a plot.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/integration/bench.h"
#include "tests/rack/control/client.h"

namespace {

using namespace std::chrono_literals;
using station::integration::Bench;
using station::integration::BenchOptions;
namespace fs = std::filesystem;

constexpr int kHubPorts = 8;
constexpr int kTurnPatience = 180;  // seconds
// What may be more in the last third of the turns than in the middle one.
constexpr double kMoreDescriptors = 4;
constexpr double kMoreThreads = 2;
constexpr double kMoreMemory = 0.05;

struct Sample {
  int cycles;
  double descriptors, threads, resident;  // bytes
};

std::string CartOf(int ports) {
  std::string cart = "phones:\n";
  for (int i = 0; i < ports; ++i)
    cart += fmt::format(
        "  - {{name: P{}, port: \"1-{}.{}\", product: \"iPhone10,1\", ecid: \"{:#x}\", os_build: "
        "\"18H17\", mode: {}, recording: false}}\n",
        i, i / kHubPorts + 1, i % kHubPorts + 1, 0xed000 + i, i % 2 == 0 ? "recovery" : "normal");
  return cart;
}

double StatusOf(const fs::path& process, const std::string& key) {
  std::ifstream status(process / "status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1));
  return 0;
}

Sample Look(pid_t stationd, int cycles) {
  const fs::path process = fs::path("/proc") / std::to_string(stationd);
  const auto open = std::distance(fs::directory_iterator(process / "fd"), fs::directory_iterator());
  return {cycles, static_cast<double>(open), StatusOf(process, "Threads"),
          StatusOf(process, "VmRSS") * 1024};
}

std::string Read(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The daemon itself, not what started it, whose configuration lies in that folder.
pid_t FindStationd(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator("/proc"))
    if (Read(entry.path() / "comm") == "stationd\n" &&
        Read(entry.path() / "cmdline").contains(folder.string()))
      return std::stoi(entry.path().filename().string());
  return 0;
}

class Endurance {
 public:
  Endurance(int ports, fs::path bin) : ports_(ports), bench_(OptionsFor(ports, std::move(bin))) {}

  bool Prepare() {
    bench_.Start();
    stationd_ = FindStationd(bench_.RunDir().parent_path());
    return stationd_ > 0 && AwaitAll("IDLE");
  }
  // All phones out, and in again.
  bool Turn() {
    for (const auto& [command, state] : {std::pair{"unplug", "EMPTY"}, std::pair{"plug", "IDLE"}}) {
      for (int i = 0; i < ports_; ++i)
        if (!rack::AskRack(bench_.RackDir(), rack::Value::Dict{{"Command", command},
                                                               {"Phone", fmt::format("P{}", i)},
                                                               {"Words", rack::Value::Array{}}}))
          return false;
      if (!AwaitAll(state)) return false;
    }
    return true;
  }
  [[nodiscard]] Sample Now(int cycles) const { return Look(stationd_, cycles); }

 private:
  static BenchOptions OptionsFor(int ports, fs::path bin) {
    BenchOptions options;
    options.bin = std::move(bin);
    options.cart = CartOf(ports);
    return options;
  }
  bool AwaitAll(const std::string& state) {
    return bench_.Await(
        "all ports " + state,
        [&] {
          const YAML::Node ports = bench_.Ctl({"ports"})["ports"];
          return std::ranges::count_if(ports, [&](const auto& port) {
                   return port["state"].template as<std::string>() == "PORT_STATE_" + state;
                 }) == ports_;
        },
        kTurnPatience);
  }

  int ports_;
  Bench bench_;
  pid_t stationd_ = 0;
};

double MedianOf(std::span<const Sample> samples, double Sample::*what) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*what);
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Each sample as a bar, from nothing to the largest.
void Plot(std::span<const Sample> samples, const char* name, double Sample::*what, double unit) {
  constexpr int kWidth = 60;
  const double most = (*std::ranges::max_element(samples, {}, what)).*what;
  fmt::print("\n{}\n", name);
  for (const Sample& sample : samples)
    fmt::print("{:>6} {:>8.1f} {}\n", sample.cycles, sample.*what / unit,
               std::string(static_cast<std::size_t>(sample.*what / most * kWidth), '#'));
}

bool IsFlat(std::span<const Sample> samples) {
  const std::size_t third = samples.size() / 3;
  const auto middle = samples.subspan(third, third);
  const auto last = samples.last(third);
  const auto more = [&](double Sample::*what) {
    return MedianOf(last, what) - MedianOf(middle, what);
  };
  const double memory = more(&Sample::resident) / MedianOf(middle, &Sample::resident);
  fmt::print(
      "\nlast third against the middle one: {:+} descriptors, {:+} threads, {:+.1f} % memory\n",
      more(&Sample::descriptors), more(&Sample::threads), 100 * memory);
  return more(&Sample::descriptors) <= kMoreDescriptors && more(&Sample::threads) <= kMoreThreads &&
         memory <= kMoreMemory;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"plugs phones in and out of a station, and shows what stationd holds meanwhile"};
  int cycles = 2000;
  int ports = 64;
  std::string bin = STATION_BIN_DIR;
  app.add_option("--cycles", cycles, "phones that come and go, all ports together")
      ->check(CLI::Range(200, 1000000));
  app.add_option("--ports", ports, "phones at once")->check(CLI::Range(1, 64));
  app.add_option("--bin", bin, "where the programs lie");
  CLI11_PARSE(app, argc, argv);
  testing::InitGoogleTest();

  Endurance run(ports, bin);
  if (!run.Prepare()) return fmt::print(stderr, "rack or station did not get ready\n"), 1;
  std::vector<Sample> samples{run.Now(0)};
  while (samples.back().cycles < cycles) {
    if (!run.Turn())
      return fmt::print(stderr, "after {} cycles phones did not come or go any more\n",
                        samples.back().cycles),
             1;
    samples.push_back(run.Now(samples.back().cycles + ports));
    fmt::print(stderr, "{} cycles\n", samples.back().cycles);
  }
  Plot(samples, "open descriptors", &Sample::descriptors, 1);
  Plot(samples, "threads", &Sample::threads, 1);
  Plot(samples, "resident memory, MiB", &Sample::resident, 1 << 20);
  if (IsFlat(samples)) return 0;
  fmt::print(stderr, "stationd holds more and more\n");
  return 1;
}
