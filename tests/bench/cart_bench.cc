// What a cart costs: the station, idevicerestore and a bare loop of sendfile, by turns, into the
// same simulated phones; the station's memory with an image of 8 GiB; an import into the store.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <fstream>

#include "tests/bench/bench_report.h"

namespace {

namespace fs = std::filesystem;
using bench::CartRounds;
using bench::Report;
using bench::Round;
using bench::Sender;
using bench::SenderRow;

constexpr std::array kSenders = {Sender::kStation, Sender::kIdevicerestore, Sender::kBareLoop};

struct Options {
  std::vector<int> phones = {1, 8, 30};
  int repeats = 5;
  std::uint64_t os_size = 256ULL << 20U;
  std::uint64_t huge_size = 8ULL << 30U;
  std::uint64_t import_size = 2ULL << 30U;
  std::string json;
  std::vector<std::string> parts = {"stream", "memory", "import"};
  [[nodiscard]] bool Wants(const char* part) const {
    return std::ranges::find(parts, part) != parts.end();
  }
};

void Tell(Sender sender, int phones, const std::string& turn, const Round& round,
          std::uint64_t os_size) {
  const double bytes = static_cast<double>(os_size) * phones;
  fmt::print(stderr,
             "{:>2} phones, {:<14} {}: {} restored, {:.1f} s, streaming {:.2f} s, {:.0f} MB/s, "
             "{:.3f} CPU s/GiB\n",
             phones, Name(sender), turn, round.restored, round.wall_seconds, round.stream_seconds,
             bytes / 1e6 / round.stream_seconds, round.sender.cpu_seconds / (bytes / (1U << 30U)));
}

// The senders take turns, so that whatever else the machine does meets all of them.
bool MeasureStreams(const Options& options, int phones, Report& report) {
  CartRounds cart(phones, options.os_size, false);
  if (!cart.Prepare()) return false;
  std::array<SenderRow, kSenders.size()> rows;
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = {kSenders[i], phones, options.os_size, {}, {}, {}};
  for (SenderRow& row : rows) {
    if (row.sender == Sender::kBareLoop) continue;
    row.cold = cart.Measure(row.sender, true);
    Tell(row.sender, phones, "cold", row.cold, options.os_size);
  }
  for (int turn = 0; turn < options.repeats; ++turn) {
    for (SenderRow& row : rows) {
      row.rounds.push_back(cart.Measure(row.sender, false));
      Tell(row.sender, phones, fmt::format("turn {}", turn + 1), row.rounds.back(),
           options.os_size);
    }
    const double bare = rows.back().rounds.back().stream_seconds;
    for (SenderRow& row : rows) row.of_bare.push_back(bare / row.rounds.back().stream_seconds);
  }
  for (SenderRow& row : rows) report.senders.push_back(std::move(row));
  return true;
}

bool MeasureMemory(const Options& options, Report& report) {
  for (const int phones : {1, options.phones.back()}) {
    CartRounds cart(phones, options.huge_size, true);
    if (!cart.Prepare()) return false;
    report.memory.push_back({phones, options.huge_size, cart.Memory(phones)});
  }
  return true;
}

bool MeasureImports(const Options& options, Report& report) {
  std::string pattern = "/tmp/import-bench.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return false;
  const fs::path folder = pattern;
  const fs::path ipsw = bench::ForgeForImport(folder, options.import_size);
  if (!ipsw.empty()) {
    report.import_size = fs::file_size(ipsw);
    (void)bench::MeasureImport(ipsw, folder);  // not counted: the file may not be cached yet
    for (int turn = 0; turn < options.repeats; ++turn) {
      report.imports.push_back(bench::MeasureImport(ipsw, folder));
      const bench::ImportRound& is = report.imports.back();
      fmt::print(stderr, "import {:.2f} s, copy {:.2f} s, digests {:.2f} s: {:.2f}\n",
                 is.import_seconds, is.copy_seconds, is.digest_seconds, is.Ratio());
    }
  }
  fs::remove_all(folder);
  return !ipsw.empty();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"measures what a cart of simulated phones costs"};
  Options options;
  const CLI::AsSizeValue size(false);
  app.add_option("--phones", options.phones, "carts to measure, such as 1,8,30")
      ->delimiter(',')
      ->check(CLI::Range(1, 64));
  app.add_option("--os-size", options.os_size, "of the OS image that is streamed")->transform(size);
  app.add_option("--huge-size", options.huge_size, "of the OS image that memory is measured with")
      ->transform(size);
  app.add_option("--import-size", options.import_size, "of the OS image that is imported")
      ->transform(size);
  app.add_option("--repeat", options.repeats, "turns; medians of them are shown")
      ->check(CLI::Range(1, 99));
  app.add_option("--only", options.parts, "stream, memory, import")
      ->delimiter(',')
      ->check(CLI::IsMember({"stream", "memory", "import"}));
  app.add_option("--json", options.json, "write the figures to this file, too");
  CLI11_PARSE(app, argc, argv);
  testing::InitGoogleTest();

  Report report;
  bool done = true;
  if (options.Wants("stream"))
    for (const int phones : options.phones) done = MeasureStreams(options, phones, report) && done;
  if (options.Wants("memory")) done = MeasureMemory(options, report) && done;
  if (options.Wants("import")) done = MeasureImports(options, report) && done;
  PrintTable(report);
  if (!options.json.empty()) std::ofstream(options.json) << AsJson(report) << "\n";
  return done && Complete(report) ? 0 : 1;
}
