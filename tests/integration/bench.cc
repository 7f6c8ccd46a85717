#include "tests/integration/bench.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

namespace station::integration {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One JSON document, or a document a line.
YAML::Node ParseJson(const std::string& text) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& bad) {
    ADD_FAILURE() << "not JSON (" << bad.what() << "): " << text.substr(0, 400);
    return {};
  }
}

void Insert(std::vector<std::string>& words, std::vector<std::string> first) {
  words.insert(words.begin(), first.begin(), first.end());
}

}  // namespace

Bench::Bench(BenchOptions options) : options_(std::move(options)) {
  char folder[] = "/tmp/bench.XXXXXX";
  dir_ = ::mkdtemp(folder);
  std::ofstream(dir_ / "cart.yaml") << options_.cart;
}

Bench::~Bench() {
  station_.Stop();
  rack_.Stop();
  if (testing::Test::HasFailure()) {
    std::cerr << "bench kept at " << dir_ << "\n--- stationd\n" << ReadAll(dir_ / "stationd.out.err").substr(0, 20000);
    for (const auto& log : std::filesystem::directory_iterator(std::filesystem::exists(StateDir() / "logs") ? StateDir() / "logs" : dir_))
      if (log.is_regular_file() && log.path().extension() == ".log")
        std::cerr << "--- " << log.path().filename() << "\n" << ReadAll(log.path()).substr(0, 6000);
  } else {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
}

void Bench::Start() {
  ASSERT_NO_FATAL_FAILURE(StartRack());
  StartStation();
}

void Bench::StartRack() {
  rack_ = Background({Program("station-rack"), "run", "--cart", dir_ / "cart.yaml", "--dir", dir_ / "rack"}, dir_ / "rack.out");
  ASSERT_TRUE(rack_.AwaitReady()) << ReadAll(dir_ / "rack.out.err");
  WriteConfig();
}

void Bench::WriteConfig() {
  const Finished signer = InWorld("", {"sh", "-c", "printf %s \"$RACK_SIGNER_URL\""});
  const std::string catalogue = InWorld("", {"sh", "-c", "printf %s \"$RACK_CATALOGUE_URL\""}).out;
  std::string extra = options_.extra_config;
  const std::string kPlace = "@CATALOGUE@";
  for (std::size_t at = 0; (at = extra.find(kPlace, at)) != std::string::npos;) extra.replace(at, kPlace.size(), catalogue);
  std::ofstream(dir_ / "station.yaml") << "station:\n  name: bench\n  state_dir: " << StateDir().string()
                                       << "\n  run_dir: " << RunDir().string() << "\n  catalogue_file: " << STATION_SOURCE_DIR
                                       << "/config/catalogue.yaml\nsigning:\n  url: \"" << signer.out
                                       << "\"\nmetrics:\n  port: 0\n" << extra;
}

void Bench::StartStation() {
  std::filesystem::remove(dir_ / "stationd.out");
  std::vector<std::string> command = {Program("station-rack"), "exec", "--plain-malloc", "--dir", dir_ / "rack", "--"};
  const std::string daemon = Program("stationd") + " --config " + (dir_ / "station.yaml").string();
  if (options_.respawn) {
    command.insert(command.end(), {"sh", "-c", "trap 'kill $pid; wait $pid; exit 0' TERM; while true; do " + daemon + " & pid=$!; wait $pid; done"});
  } else {
    command.insert(command.end(), {Program("stationd"), "--config", dir_ / "station.yaml"});
  }
  station_ = Background(command, dir_ / "stationd.out");
  ASSERT_TRUE(station_.AwaitReady()) << ReadAll(dir_ / "stationd.out.err");
}

void Bench::StopStation() { EXPECT_EQ(station_.Stop(), 0) << ReadAll(dir_ / "stationd.out.err"); }

std::string Bench::Program(const std::string& name) const { return options_.bin / name; }

std::string Bench::Read(const std::filesystem::path& file) { return ReadAll(file); }

bool Bench::SignalWorker(const std::string& job, const std::string& signal) {
  return Run({"pkill", "-" + signal, "-f", "station-worker .*" + RunDir().string() + ".*--task job-" + job + "$"}).exit_code == 0;
}

bool Bench::KillFetcher() {
  return Run({"pkill", "-KILL", "-f", "station-fetcher .*" + RunDir().string() + ".*--task import-"}).exit_code == 0;
}

std::string Bench::Publish(const Forged& forged, const std::vector<std::string>& products) {
  std::vector<std::string> words = {"publish", forged.file, "--build", forged.build, "--version", forged.version, "--product"};
  words.insert(words.end(), products.begin(), products.end());
  const Finished published = Rack(words);
  EXPECT_EQ(published.exit_code, 0) << published.err;
  return published.out.substr(0, published.out.find('\n'));
}

std::uint64_t Bench::BytesSent() { return ParseJson(Rack({"downloads"}).out)["bytes_sent"].as<std::uint64_t>(); }

void Bench::SignalStation(const std::string& signal) {
  const Finished sent = Run({"pkill", "-" + signal, "-x", "-f", Program("stationd") + " --config " + (dir_ / "station.yaml").string()});
  ASSERT_EQ(sent.exit_code, 0);
}

Forged Bench::Forge(const std::string& manifest, const std::string& seed) {
  Forged forged;
  forged.file = dir_ / (manifest + "-" + seed + ".ipsw");
  const Finished done = Rack({"forge", "--manifest", std::string(STATION_SOURCE_DIR) + "/tests/rack/manifests/" + manifest + ".plist", "--os-size",
                              std::to_string(options_.os_size), "--ramdisk-size", "2000000", "--seed", seed, "--json", "--out", forged.file});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const YAML::Node report = ParseJson(done.out);
  forged.sha256 = report["sha256"].as<std::string>();
  forged.os_digest = report["os_digest"].as<std::string>();
  forged.build = report["build"].as<std::string>();
  forged.version = report["version"].as<std::string>();
  return forged;
}

Forged Bench::Import(const std::string& manifest) {
  Forged forged = Forge(manifest);
  const Finished added = CtlRaw({"firmware", "add", forged.file, "--sha256", forged.sha256});
  EXPECT_EQ(added.exit_code, 0) << added.out << added.err;
  return forged;
}

YAML::Node Bench::Ctl(std::vector<std::string> words, int expected_exit) {
  words.emplace_back("--json");
  const Finished done = CtlRaw(words);
  EXPECT_EQ(done.exit_code, expected_exit) << done.out << done.err;
  return ParseJson(done.out);
}

Finished Bench::CtlRaw(std::vector<std::string> words, int seconds) {
  Insert(words, {Program("stationctl"), "--run-dir", RunDir(), "--actor", "tester"});
  return Run(words, seconds);
}

Finished Bench::Rack(std::vector<std::string> words) {
  if (!words.empty() && words[0] != "forge") words.insert(words.begin() + 1, {"--dir", (dir_ / "rack").string()});
  Insert(words, {Program("station-rack")});
  return Run(words);
}

Finished Bench::InWorld(const std::string& phone, std::vector<std::string> command, int seconds) {
  std::vector<std::string> words = {Program("station-rack"), "exec", "--dir", dir_ / "rack"};
  if (!phone.empty()) words.insert(words.end(), {"--phone", phone});
  words.emplace_back("--");
  words.insert(words.end(), command.begin(), command.end());
  return Run(words, seconds);
}

YAML::Node Bench::Phone(const std::string& name) {
  const YAML::Node phones = ParseJson(Rack({"status", "--json"}).out);
  for (const YAML::Node& phone : phones)
    if (phone["name"].as<std::string>() == name) return phone;
  ADD_FAILURE() << "no phone " << name;
  return {};
}

YAML::Node Bench::Port(const std::string& name) {
  const YAML::Node ports = Ctl({"ports"})["ports"];
  for (const YAML::Node& port : ports)
    if (port["label"].as<std::string>() == name || port["path"].as<std::string>() == name) return port;
  return YAML::Node(YAML::NodeType::Undefined);
}

std::string Bench::PortState(const std::string& name) {
  const YAML::Node port = Port(name);
  return port ? port["state"].as<std::string>().substr(std::string("PORT_STATE_").size()) : "none";
}

YAML::Node Bench::LastJob(const std::string& port) {
  const YAML::Node jobs = Ctl({"jobs", "--port", port})["jobs"];
  return jobs && jobs.size() > 0 ? jobs[0] : YAML::Node(YAML::NodeType::Undefined);
}

std::string Bench::Metrics() {
  std::string address = ReadAll(RunDir() / "metrics.address");
  while (!address.empty() && address.back() == '\n') address.pop_back();
  return Run({"curl", "-s", "http://" + address + "/metrics"}).out;
}

bool Bench::Await(const std::string& what, const std::function<bool()>& holds, int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < deadline) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ADD_FAILURE() << "not within " << seconds << " s: " << what;
  return false;
}

bool Bench::AwaitState(const std::string& port, const std::string& state, int seconds) {
  std::string seen;
  const bool reached = Await(port + " becomes " + state, [&] { return (seen = PortState(port)) == state; }, seconds);
  if (!reached) ADD_FAILURE() << port << " is " << seen << ": " << Port(port);
  return reached;
}

}  // namespace station::integration
