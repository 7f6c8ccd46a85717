#pragma once
// One cart of simulated phones restored again and again, by turns through the station, by
// idevicerestore and, for the limit, by a loop of sendfile that knows nothing else. The phones wait
// for each other before the OS image and behind it, so that all images stream at the same time and
// nothing else goes on beside them.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/bench_image.h"
#include "tests/bench/process_watch.h"
#include "tests/integration/bench.h"
#include "tests/rack/wire/value.h"

namespace bench {

enum class Sender { kStation, kIdevicerestore, kBareLoop };
[[nodiscard]] const char* Name(Sender sender);

struct Round {
  int restored = 0;           // phones that ended with the new OS
  double wall_seconds = 0;    // from the order to the last phone in its new OS; 0 for the bare loop
  double stream_seconds = 0;  // from the first image byte asked for to the last image taken
  Cost sender;                // of all senders together, while images stream
  double rack_cpu_seconds = 0;        // of the phones, while images stream
  std::uint64_t sender_memory = 0;    // private, of the largest sender
  std::uint64_t stationd_memory = 0;  // private; 0 without one
  std::uint64_t job_written = 0;      // to disk by all senders in the whole job
};

class CartRounds {
 public:
  CartRounds(int phones, std::uint64_t os_size, bool sparse);
  // Rack, station and firmware; false when one of them does not come up.
  [[nodiscard]] bool Prepare();
  // `cold`: the firmware is not in the page cache when the images begin.
  [[nodiscard]] Round Measure(Sender sender, bool cold);
  // Largest private memory of a worker, and of stationd, while images stream to `phones` of them;
  // the images are not waited for. Ends the station.
  [[nodiscard]] Round Memory(int phones);

 private:
  void ToRecoveryMode();
  void Fault(const std::vector<std::string>& words);
  using PhoneTest = std::function<bool(const rack::Value& status)>;
  [[nodiscard]] int CountPhones(const PhoneTest& holds) const;
  [[nodiscard]] bool AwaitPhones(const std::string& what, int phones, int seconds,
                                 const PhoneTest& holds) const;
  void Stream(Round& round, Sender sender, bool cold);
  [[nodiscard]] Round BareRound();
  [[nodiscard]] std::vector<pid_t> Senders(Sender sender) const;
  void StartSenders(Sender sender, int phones);
  [[nodiscard]] std::filesystem::path Folder() const;
  [[nodiscard]] std::filesystem::path FirmwareFile(Sender sender) const;
  [[nodiscard]] double LastImageTaken(double since) const;

  const int phones_;
  const std::uint64_t os_size_;
  const bool sparse_;
  station::integration::Bench bench_;
  station::integration::Forged firmware_;
  BenchImage bare_image_;
  std::vector<station::integration::Background> clients_;
  bool station_runs_ = false;
  std::uint64_t rounds_ = 0;  // restores each phone has been through
};

}  // namespace bench
