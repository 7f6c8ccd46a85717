// How fast a rack takes OS images from many hosts at once, and what it needs for that. Beside it,
// in the same run, the limit for the same bytes: the same senders into readers that drop them.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/asr_sender.h"
#include "tests/bench/bench_image.h"
#include "tests/bench/rack_side.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/wire/json.h"

namespace {

using bench::BenchImage;
using bench::Footprint;
using bench::MakeImage;
using bench::RackRound;
using bench::RackSide;
using bench::SentImage;
using rack::Value;
using Clock = std::chrono::steady_clock;

constexpr double kMega = 1e6;
constexpr double kMebi = 1U << 20U;

struct Options {
  int phones = 64;
  int streams = 16;
  int repeats = 3;
  std::uint64_t os_size = 256U << 20U;
  std::uint64_t huge_size = 8ULL << 30U;
  std::uint64_t huge_part = 1ULL << 30U;
  bool json = false;
};

struct Measured {
  double megabytes_per_second = 0;
  std::uint64_t bytes = 0;
  Footprint footprint;
};

template <typename Send>
Measured RunStreams(RackSide& side, int streams, Send send) {
  Measured measured;
  std::atomic<std::uint64_t> bytes{0};
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> senders;
    for (int i = 0; i < streams; ++i) senders.emplace_back([&, i] { bytes += send(i); });
  }
  measured.footprint = side.Finish();
  const std::chrono::duration<double> took = Clock::now() - begin;
  measured.bytes = bytes;
  measured.megabytes_per_second = static_cast<double>(bytes) / kMega / took.count();
  return measured;
}

class RackBench {
 public:
  explicit RackBench(const Options& options) : options_(options) {
    std::string pattern = "/tmp/rack-bench-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
  }
  ~RackBench() { std::filesystem::remove_all(folder_); }
  RackBench(const RackBench&) = delete;
  RackBench& operator=(const RackBench&) = delete;

  bool Run();
  void Print() const;

 private:
  struct Row {
    std::string name;
    Measured best;
    double limit = 0;  // MB/s of the same bytes into readers that drop them
  };

  [[nodiscard]] RackRound RoundFor(const BenchImage& image, bool checksums, bool known) const {
    return {.folder = folder_,
            .phones = options_.phones,
            .streams = options_.streams,
            .checksums = checksums,
            .known = known,
            .image = image.recipe};
  }
  bool Measure(const std::string& name, BenchImage& image, bool checksums, bool known);
  // One stream to its end, the others cut off after a part: memory shows as much, much sooner.
  bool MeasureHuge(BenchImage& image);
  [[nodiscard]] double Limit(const BenchImage& image) const;

  const Options options_;
  std::string folder_;
  std::vector<Row> rows_;
};

double RackBench::Limit(const BenchImage& image) const {
  const RackRound round = RoundFor(image, image.sent.checksums, true);
  RackSide side = RackSide::Dropping(round);
  return RunStreams(side, options_.streams,
                    [&](int) { return SendPlain(RackSide::PlainSocket(round), image.sent); })
      .megabytes_per_second;
}

bool RackBench::Measure(const std::string& name, BenchImage& image, bool checksums, bool known) {
  image.sent.checksums = checksums;
  Row row{.name = name, .best = {}};
  for (int i = 0; i < options_.repeats; ++i) {
    const RackRound round = RoundFor(image, checksums, known);
    RackSide side(round);
    if (!side.Ready()) return false;
    const Measured measured = RunStreams(side, options_.streams, [&](int phone) {
      return SendThroughMux(RackSide::MuxSocket(round), RackSide::Udid(phone), image.sent);
    });
    if (measured.footprint.accepted != options_.streams) return false;
    if (measured.megabytes_per_second > row.best.megabytes_per_second) row.best = measured;
    row.limit = std::max(row.limit, Limit(image));
  }
  rows_.push_back(row);
  return true;
}

bool RackBench::MeasureHuge(BenchImage& image) {
  const RackRound round = RoundFor(image, false, true);
  RackSide side(round);
  if (!side.Ready()) return false;
  SentImage part = image.sent;
  part.stop_after = options_.huge_part;
  const Measured measured = RunStreams(side, options_.streams, [&](int phone) {
    return SendThroughMux(RackSide::MuxSocket(round), RackSide::Udid(phone),
                          phone == 0 ? image.sent : part);
  });
  rows_.push_back({.name = fmt::format("{} MiB, sparse", image.sent.size >> 20U),
                   .best = measured,
                   .limit = 0});
  return measured.footprint.accepted >= 1;
}

bool RackBench::Run() {
  {
    BenchImage image = MakeImage(folder_, "os.dmg", options_.os_size, false);
    const std::string size = fmt::format("{} MiB", options_.os_size >> 20U);
    if (!Measure(size, image, false, true) || !Measure(size + ", checksums", image, true, true) ||
        !Measure(size + ", recipe unknown", image, false, false))
      return false;
    std::filesystem::remove(image.sent.file);
  }
  BenchImage huge = MakeImage(folder_, "huge.dmg", options_.huge_size, true);
  return MeasureHuge(huge);
}

Value AsValue(const std::string& name, const Measured& measured, double limit, int phones) {
  const Footprint& seen = measured.footprint;
  return Value::Dict{
      {"round", name},
      {"megabytes_per_second", measured.megabytes_per_second},
      {"limit_megabytes_per_second", limit},
      {"bytes", measured.bytes},
      {"cpu_seconds", seen.cpu_seconds},
      {"resident_idle", seen.resident_before},
      {"resident_peak", seen.resident_peak},
      {"resident_peak_per_phone", seen.resident_peak / static_cast<std::uint64_t>(phones)},
      {"threads", seen.threads},
      {"descriptors", seen.descriptors}};
}

void RackBench::Print() const {
  if (options_.json) {
    Value::Array rounds;
    for (const Row& row : rows_)
      rounds.push_back(AsValue(row.name, row.best, row.limit, options_.phones));
    fmt::print("{}\n",
               rack::ToJson(Value::Dict{{"phones", static_cast<std::uint64_t>(options_.phones)},
                                        {"streams", static_cast<std::uint64_t>(options_.streams)},
                                        {"rounds", std::move(rounds)}}));
    return;
  }
  fmt::print("{} phones, {} streams\n", options_.phones, options_.streams);
  fmt::print("{:<26} {:>8} {:>8} {:>9} {:>10} {:>10} {:>8} {:>5}\n", "OS image", "MB/s", "limit",
             "CPU s/GB", "idle MiB", "peak MiB", "threads", "fds");
  for (const Row& row : rows_) {
    const Footprint& seen = row.best.footprint;
    const std::string limit = row.limit > 0 ? fmt::format("{:.0f}", row.limit) : "-";
    fmt::print("{:<26} {:>8.0f} {:>8} {:>9.2f} {:>10.1f} {:>10.1f} {:>8} {:>5}\n", row.name,
               row.best.megabytes_per_second, limit,
               seen.cpu_seconds / (static_cast<double>(row.best.bytes) / 1e9),
               static_cast<double>(seen.resident_before) / kMebi,
               static_cast<double>(seen.resident_peak) / kMebi, seen.threads, seen.descriptors);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"measures how a rack takes OS images from many hosts at once"};
  Options options;
  const CLI::AsSizeValue size(false);
  app.add_option("--phones", options.phones, "in one rack")->check(CLI::Range(1, 127));
  app.add_option("--streams", options.streams, "images that come at the same time");
  app.add_option("--repeats", options.repeats, "of each round; the best counts");
  app.add_option("--os-size", options.os_size, "of each image")->transform(size);
  app.add_option("--huge-size", options.huge_size, "of the sparse one")->transform(size);
  app.add_option("--huge-part", options.huge_part, "of it that all streams but one get")
      ->transform(size);
  app.add_flag("--json", options.json);
  CLI11_PARSE(app, argc, argv);
  RackBench bench(options);
  const bool done = bench.Run();
  bench.Print();
  return done ? 0 : 1;
}
