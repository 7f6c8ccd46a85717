#include "tests/bench/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "tests/rack/wire/json.h"

namespace bench {
namespace {

using rack::Value;

constexpr double kMega = 1e6;
constexpr double kMebi = 1U << 20U;
constexpr double kGibi = 1U << 30U;

double MedianOf(const std::vector<Round>& rounds, const std::function<double(const Round&)>& of) {
  std::vector<double> values;
  for (const Round& round : rounds) values.push_back(of(round));
  return Median(std::move(values));
}

double MedianOf(const std::vector<ImportRound>& rounds, double ImportRound::*of) {
  std::vector<double> values;
  for (const ImportRound& round : rounds) values.push_back(round.*of);
  return Median(std::move(values));
}

double ImportRatio(const Report& report) {
  std::vector<double> ratios;
  for (const ImportRound& round : report.imports) ratios.push_back(round.Ratio());
  return Median(std::move(ratios));
}

// Medians of one row.
struct Figures {
  double wall = 0;
  double megabytes_per_second = 0;
  double of_bare = 0;
  double cpu_per_gib = 0;
  double rack_cpu_per_gib = 0;
  double memory = 0;             // bytes, the largest of any round
  double stationd_memory = 0;    // bytes
  double read_of_image = 0;      // of the cold round: times the image
  double written_streaming = 0;  // bytes for each phone
  double written_in_job = 0;     // bytes for each phone
};

Figures FiguresOf(const SenderRow& row) {
  const double bytes = static_cast<double>(row.os_size) * row.phones;
  const auto largest = [&](std::uint64_t Round::*of) {
    std::uint64_t most = 0;
    for (const Round& round : row.rounds) most = std::max(most, round.*of);
    return static_cast<double>(most);
  };
  Figures figures;
  figures.wall = MedianOf(row.rounds, [](const Round& round) { return round.wall_seconds; });
  figures.megabytes_per_second = MedianOf(
      row.rounds, [&](const Round& round) { return bytes / kMega / round.stream_seconds; });
  figures.of_bare = Median(row.of_bare);
  figures.cpu_per_gib = MedianOf(
      row.rounds, [&](const Round& round) { return round.sender.cpu_seconds / (bytes / kGibi); });
  figures.rack_cpu_per_gib = MedianOf(
      row.rounds, [&](const Round& round) { return round.rack_cpu_seconds / (bytes / kGibi); });
  figures.memory = largest(&Round::sender_memory);
  figures.stationd_memory = largest(&Round::stationd_memory);
  figures.read_of_image =
      static_cast<double>(row.cold.sender.disk_read) / static_cast<double>(row.os_size);
  figures.written_streaming = MedianOf(row.rounds, [&](const Round& round) {
    return static_cast<double>(round.sender.disk_written) / row.phones;
  });
  figures.written_in_job = MedianOf(row.rounds, [&](const Round& round) {
    return static_cast<double>(round.job_written) / row.phones;
  });
  return figures;
}

void PrintSenders(const Report& report) {
  fmt::print(
      "| phones | sender | wall s | MB/s together | of bare | sender CPU s/GiB | rack CPU s/GiB | "
      "memory MiB each | disk read, x image | written KiB/phone: streaming, job |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n");
  for (const SenderRow& row : report.senders) {
    const Figures is = FiguresOf(row);
    if (row.sender == Sender::kBareLoop) {
      fmt::print("| {} | {} | | {:.0f} | 1 | {:.3f} | {:.3f} | | | |\n", row.phones,
                 Name(row.sender), is.megabytes_per_second, is.cpu_per_gib, is.rack_cpu_per_gib);
      continue;
    }
    fmt::print(
        "| {} | {} | {:.1f} | {:.0f} | {:.2f} | {:.3f} | {:.3f} | {:.1f} | {:.2f} | {:.0f}, "
        "{:.0f} |\n",
        row.phones, Name(row.sender), is.wall, is.megabytes_per_second, is.of_bare, is.cpu_per_gib,
        is.rack_cpu_per_gib, is.memory / kMebi, is.read_of_image, is.written_streaming / 1024,
        is.written_in_job / 1024);
  }
}

Value AsValue(const SenderRow& row) {
  const Figures is = FiguresOf(row);
  return Value::Dict{{"phones", static_cast<std::uint64_t>(row.phones)},
                     {"sender", Name(row.sender)},
                     {"os_size_bytes", row.os_size},
                     {"rounds", static_cast<std::uint64_t>(row.rounds.size())},
                     {"wall_seconds", is.wall},
                     {"megabytes_per_second", is.megabytes_per_second},
                     {"of_bare", is.of_bare},
                     {"sender_cpu_seconds_per_gib", is.cpu_per_gib},
                     {"rack_cpu_seconds_per_gib", is.rack_cpu_per_gib},
                     {"sender_private_bytes", is.memory},
                     {"stationd_private_bytes", is.stationd_memory},
                     {"cold_read_of_image", is.read_of_image},
                     {"written_streaming_bytes_per_phone", is.written_streaming},
                     {"written_job_bytes_per_phone", is.written_in_job}};
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

void PrintTable(const Report& report) {
  if (!report.senders.empty()) PrintSenders(report);
  if (!report.memory.empty())
    fmt::print("\n| OS image MiB | phones | worker MiB | stationd MiB |\n|---|---|---|---|\n");
  for (const MemoryRow& row : report.memory)
    fmt::print("| {} | {} | {:.1f} | {:.1f} |\n", row.os_size >> 20U, row.phones,
               static_cast<double>(row.seen.sender_memory) / kMebi,
               static_cast<double>(row.seen.stationd_memory) / kMebi);
  if (report.imports.empty()) return;
  fmt::print(
      "\n| import of | s | CPU s | copy and fsync alone s | digests alone s | ratio |\n"
      "|---|---|---|---|---|---|\n| {:.2f} GiB | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n",
      static_cast<double>(report.import_size) / kGibi,
      MedianOf(report.imports, &ImportRound::import_seconds),
      MedianOf(report.imports, &ImportRound::import_cpu_seconds),
      MedianOf(report.imports, &ImportRound::copy_seconds),
      MedianOf(report.imports, &ImportRound::digest_seconds), ImportRatio(report));
}

std::string AsJson(const Report& report) {
  Value::Array senders;
  for (const SenderRow& row : report.senders) senders.push_back(AsValue(row));
  Value::Array memory;
  for (const MemoryRow& row : report.memory)
    memory.push_back(Value::Dict{{"phones", static_cast<std::uint64_t>(row.phones)},
                                 {"os_size_bytes", row.os_size},
                                 {"worker_private_bytes", row.seen.sender_memory},
                                 {"stationd_private_bytes", row.seen.stationd_memory}});
  Value whole = Value::Dict{{"senders", std::move(senders)}, {"memory", std::move(memory)}};
  if (!report.imports.empty())
    whole.Set(
        "import",
        Value::Dict{{"bytes", report.import_size},
                    {"rounds", static_cast<std::uint64_t>(report.imports.size())},
                    {"seconds", MedianOf(report.imports, &ImportRound::import_seconds)},
                    {"cpu_seconds", MedianOf(report.imports, &ImportRound::import_cpu_seconds)},
                    {"copy_seconds", MedianOf(report.imports, &ImportRound::copy_seconds)},
                    {"digest_seconds", MedianOf(report.imports, &ImportRound::digest_seconds)},
                    {"ratio", ImportRatio(report)}});
  return rack::ToJson(whole);
}

bool Complete(const Report& report) {
  const auto restored = [](const SenderRow& row) {
    return std::ranges::all_of(row.rounds, [&](const Round& round) {
      return round.restored == row.phones && round.stream_seconds > 0;
    });
  };
  return std::ranges::all_of(report.senders, restored) &&
         std::ranges::all_of(
             report.memory, [](const MemoryRow& row) { return row.seen.restored == row.phones; }) &&
         std::ranges::all_of(report.imports,
                             [](const ImportRound& round) { return round.import_seconds > 0; });
}

}  // namespace bench
