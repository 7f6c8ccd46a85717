#pragma once
// What may befall a restore, and what must become of it: the campaign's expectations as data.

#include <cstdint>
#include <span>
#include <string_view>

namespace campaign {

// Who carries a fault out.
enum class By : std::uint8_t {
  kNobody,
  kRack,          // told to the rack before the restore; words of `station-rack fault PHONE`
  kWorkerKill,    // SIGKILL to the worker while the phone holds at a step
  kSwap,          // two phones change ports while one of them is being restored
  kStationdKill,  // the rest meets every job that runs at that moment
  kMuxCrash,
  kMuxStall,
  kHubPower,
  kSignerBusy,
  kSignerRefuses,
  kDownload,  // all firmware is fetched anew before the round, while the server has a fault
};

// What an operator does about a job that ended, before the retry that must succeed.
enum class Then : std::uint8_t { kNothing, kRetry, kPlugAndRetry, kSwapBackAndRetry };

struct FaultRow {
  std::string_view name;
  By by;
  std::string_view words;    // of the rack; @BYTE@ and @STEP@ are drawn
  int weight;                // how often it is drawn, beside the others
  std::string_view outcome;  // of the job, before anybody does anything
  int least, most;           // attempts until then
  std::string_view left;     // modes the phone may be in by then; "" for any
  Then then;
  bool slow;  // outlasts its round: drawn seldom, and the phone sits out some rounds
};

// One of them for each restore.
[[nodiscard]] std::span<const FaultRow> PhoneFaults();

struct CommonRow {
  FaultRow row;
  bool others;  // phones may have a fault of their own at the same time; its row counts then
};
// One of them for each round.
[[nodiscard]] std::span<const CommonRow> CommonFaults();

// Steps of a restore (the rack's names) at which cables are pulled and workers killed.
[[nodiscard]] std::span<const std::string_view> PullSteps();
[[nodiscard]] std::span<const std::string_view> KillSteps();

}  // namespace campaign
