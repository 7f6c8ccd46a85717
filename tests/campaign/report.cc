#include "tests/campaign/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace campaign {

std::string AsTable(const Verdict& verdict, std::uint64_t seed) {
  std::string text = fmt::format("{:<16}{:>9}{:>13}{:>10}  first chain of attempts\n", "fault",
                                 "restores", "as expected", "restored");
  for (const auto& [fault, tally] : verdict.by_fault) {
    std::string chains;
    for (const auto& [chain, count] : tally.chains)
      chains += fmt::format("{}{} x {}", chains.empty() ? "" : ", ", count, chain);
    text += fmt::format("{:<16}{:>9}{:>13}{:>10}  {}\n", fault, tally.restores, tally.as_expected,
                        tally.restored_in_the_end, chains);
  }
  text += fmt::format(
      "seed {}: {} restores in {:.0f} s: {} restored, {} unexpected outcomes, {} wrong phones, {} "
      "lost rows: {}\n",
      seed, verdict.restores, verdict.seconds, verdict.restored, verdict.unexpected,
      verdict.wrong_phones, verdict.lost_rows, verdict.Holds() ? "holds" : "BROKEN");
  return text;
}

std::string AsJson(const Verdict& verdict, std::uint64_t seed) {
  nlohmann::ordered_json json = {{"seed", seed},
                                 {"holds", verdict.Holds()},
                                 {"restores", verdict.restores},
                                 {"restored", verdict.restored},
                                 {"unexpected_outcomes", verdict.unexpected},
                                 {"wrong_phones", verdict.wrong_phones},
                                 {"lost_ledger_rows", verdict.lost_rows},
                                 {"seconds", verdict.seconds},
                                 {"complaints", verdict.complaints}};
  for (const auto& [fault, tally] : verdict.by_fault)
    json["faults"][fault] = {{"restores", tally.restores},
                             {"as_expected", tally.as_expected},
                             {"restored", tally.restored_in_the_end},
                             {"chains", tally.chains}};
  return json.dump(2);
}

}  // namespace campaign
