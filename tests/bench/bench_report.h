#pragma once
// What was measured, as a table to read and as JSON.

#include <string>
#include <vector>

#include "tests/bench/cart_rounds.h"
#include "tests/bench/import_bench.h"

namespace bench {

// One sender at one number of phones.
struct SenderRow {
  Sender sender{};
  int phones = 0;
  std::uint64_t os_size = 0;
  std::vector<Round> rounds;
  Round cold;                   // its firmware was not in the page cache
  std::vector<double> of_bare;  // throughput against the bare loop of the same turn
};

struct MemoryRow {
  int phones = 0;
  std::uint64_t os_size = 0;
  Round seen;
};

struct Report {
  std::vector<SenderRow> senders;
  std::vector<MemoryRow> memory;
  std::uint64_t import_size = 0;
  std::vector<ImportRound> imports;
};

// Of the middle one, or of the middle two their mean; 0 of none.
[[nodiscard]] double Median(std::vector<double> values);
void PrintTable(const Report& report);
[[nodiscard]] std::string AsJson(const Report& report);
// Whether every phone of every round was restored and every import done.
[[nodiscard]] bool Complete(const Report& report);

}  // namespace bench
