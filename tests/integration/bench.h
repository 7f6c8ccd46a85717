#pragma once
// A whole bench for a test: a rack of simulated phones, a station in front of it, and an operator's
// command line. What is asserted is what the rack says is on the phones, not what was sent.

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/integration/process.h"

namespace station::integration {

struct BenchOptions {
  std::string cart{};          // YAML of the rack
  std::string extra_config{};  // appended to the station's configuration; @CATALOGUE@ is the rack's
                               // address for it
  std::uint64_t os_size = 24 << 20;             // bytes of each forged OS image
  std::filesystem::path bin = STATION_BIN_DIR;  // where the programs lie
  bool respawn = false;  // a daemon that ends is started again, in the same world, as systemd would
};

// One forged IPSW, as `station-rack forge --json` reports it.
struct Forged {
  std::filesystem::path file;
  std::string sha256;
  std::string os_digest;
  std::string build;
  std::string version;
};

class Bench {
 public:
  explicit Bench(BenchOptions options);
  ~Bench();

  // Starts the rack, then stationd in it. Fails the test when either does not get ready.
  void Start();
  void StartRack();
  void StartStation();
  void StopStation();
  // A signal ("KILL", "STOP") to the worker of that job; false when there is none.
  [[nodiscard]] bool SignalWorker(const std::string& job, const std::string& signal);
  [[nodiscard]] bool KillWorker(const std::string& job) { return SignalWorker(job, "KILL"); }
  // SIGKILL to the fetcher that takes firmware in; false when there is none.
  [[nodiscard]] bool KillFetcher();
  // Needs `respawn`: "TERM" or "KILL" to the daemon alone.
  void SignalStation(const std::string& signal);

  [[nodiscard]] Forged Forge(const std::string& manifest, const std::string& seed = "1");
  Forged Import(const std::string& manifest);

  // Offers it in the rack's catalogues; its address.
  std::string Publish(const Forged& forged, const std::vector<std::string>& products);
  // Bytes of published files the rack has sent.
  [[nodiscard]] std::uint64_t BytesSent();

  // stationctl with --json; the parsed answer (a null node when there is none).
  YAML::Node Ctl(std::vector<std::string> words, int expected_exit = 0);
  [[nodiscard]] Finished CtlRaw(std::vector<std::string> words, int seconds = 180);
  [[nodiscard]] Finished Rack(std::vector<std::string> words);
  [[nodiscard]] Finished InWorld(const std::string& phone, std::vector<std::string> command,
                                 int seconds = 180);
  // The rack's word on one phone.
  [[nodiscard]] YAML::Node Phone(const std::string& name);
  // The station's word on one port, by its label or path.
  [[nodiscard]] YAML::Node Port(const std::string& name);
  [[nodiscard]] std::string PortState(const std::string& name);
  [[nodiscard]] YAML::Node LastJob(const std::string& port);
  [[nodiscard]] std::string Metrics();

  // Until it holds; fails the test (naming `what`) after `seconds`.
  bool Await(const std::string& what, const std::function<bool()>& holds, int seconds = 90);
  bool AwaitState(const std::string& port, const std::string& state, int seconds = 90);

  [[nodiscard]] static std::string Read(const std::filesystem::path& file);
  [[nodiscard]] std::string StationLog() const { return Read(dir_ / "stationd.out.err"); }
  [[nodiscard]] std::filesystem::path RackDir() const { return dir_ / "rack"; }
  [[nodiscard]] std::filesystem::path StateDir() const { return dir_ / "state"; }
  [[nodiscard]] std::filesystem::path RunDir() const { return dir_ / "run"; }
  // What was said to that phone, or to the `signer`: the rack's README, "Recordings".
  [[nodiscard]] std::filesystem::path Recording(const std::string& name) const {
    return dir_ / "rack" / "recordings" / (name + ".jsonl");
  }

 private:
  [[nodiscard]] std::string Program(const std::string& name) const;
  void WriteConfig();
  BenchOptions options_;
  std::filesystem::path dir_;
  Background rack_;
  Background station_;
};

}  // namespace station::integration
