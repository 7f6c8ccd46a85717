#include "tests/campaign/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace campaign {
namespace {

constexpr int kBystanders = 2;  // of each round: nothing may happen to them
constexpr int kSlowEvery = 4;   // rounds
constexpr int kSitOut = 3;      // rounds, of a phone with a slow fault

// The standard's distributions differ from library to library; this does not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int Below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit)); }
  template <typename Rows, typename RowOf>
  const auto& Weighted(const Rows& rows, RowOf row_of) {
    int all = 0;
    for (const auto& row : rows) all += row_of(row).weight;
    int at = Below(all);
    for (const auto& row : rows)
      if ((at -= row_of(row).weight) < 0) return row;
    return rows.back();
  }
  void Shuffle(std::vector<int>& items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<std::size_t>(Below(static_cast<int>(i)))]);
  }

 private:
  std::mt19937_64 engine_;
};

std::string Fill(std::string words, const std::string& place, const std::string& with) {
  if (const std::size_t at = words.find(place); at != std::string::npos)
    words.replace(at, place.size(), with);
  return words;
}

std::string WordsOf(const FaultRow& fault, Dice& dice) {
  const auto steps = fault.by == By::kRack ? PullSteps() : KillSteps();
  const int step = dice.Below(static_cast<int>(steps.size()));
  // Not the very end: the last bytes of an image may be on the phone when the cable goes.
  const int byte = dice.Below(static_cast<int>(kOsSize - (1U << 20U)));
  return Fill(
      Fill(std::string(fault.words), "@STEP@", std::string(steps[static_cast<std::size_t>(step)])),
      "@BYTE@", std::to_string(byte));
}

const FaultRow& FaultFor(const Round& round, bool may_be_slow, Dice& dice) {
  while (true) {
    const FaultRow& fault =
        dice.Weighted(PhoneFaults(), [](const FaultRow& row) -> const FaultRow& { return row; });
    if (!round.common->others) return PhoneFaults().front();
    // Which of two phones a common fault finds on a port is left to nobody's chance.
    if (fault.slow && (!may_be_slow || round.common->row.by != By::kNobody)) continue;
    return fault;
  }
}

}  // namespace

std::vector<Round> MakePlan(int restores, std::uint64_t seed) {
  Dice dice(seed);
  std::vector<Round> plan;
  std::array<int, kPhones> free_from{};
  for (int left = restores, number = 0; left > 0; ++number) {
    Round round{};
    round.common = &dice.Weighted(CommonFaults(),
                                  [](const CommonRow& row) -> const FaultRow& { return row.row; });
    // The first round has the slow ones, so that even a short campaign has some.
    const bool slow_round = number % kSlowEvery == 0;
    if (slow_round) round.common = CommonFaults().data();
    round.hub = dice.Below(kPhones / kHubPorts);
    round.streaming_jobs = 1 + dice.Below(kPhones / 2);
    round.more_millis = dice.Below(4000);
    std::vector<int> phones;
    for (int phone = 0; phone < kPhones; ++phone)
      if (free_from[static_cast<std::size_t>(phone)] <= number) phones.push_back(phone);
    dice.Shuffle(phones);
    std::vector<int> bystanders;
    for (int i = 0; i < kBystanders; ++i, phones.pop_back()) bystanders.push_back(phones.back());
    std::vector<const FaultRow*> slow;
    for (const int phone : phones) {
      if (left == 0) break;
      --left;
      const FaultRow* fault = &FaultFor(round, slow_round, dice);
      if (fault->slow && std::ranges::find(slow, fault) != slow.end()) fault = PhoneFaults().data();
      Draw draw{phone, dice.Below(2), dice.Below(3) != 0, fault, WordsOf(*fault, dice)};
      if (fault->slow) {
        slow.push_back(fault);
        free_from[static_cast<std::size_t>(phone)] = number + 1 + kSitOut;
      }
      if (fault->by == By::kSwap) {
        draw.other = bystanders.front();
        free_from[static_cast<std::size_t>(draw.other)] = number + 1 + kSitOut;
      }
      round.draws.push_back(std::move(draw));
    }
    plan.push_back(std::move(round));
  }
  return plan;
}

std::string Describe(const std::vector<Round>& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Round& round = plan[i];
    text +=
        fmt::format("round {}: {} (hub 1-{}, after {} jobs and {} ms)\n", i + 1,
                    round.common->row.name, round.hub + 1, round.streaming_jobs, round.more_millis);
    for (const Draw& draw : round.draws)
      text += fmt::format("  P{:<2} firmware {} {:<8} {} {}{}\n", draw.phone, draw.firmware + 1,
                          draw.recovery ? "recovery" : "as it is", draw.fault->name, draw.words,
                          draw.other < 0 ? "" : fmt::format(", with P{}", draw.other));
  }
  return text;
}

}  // namespace campaign
