#pragma once
// A firmware somebody asked for: where it is and what it must be. Written down before it is
// fetched, so that a restarted daemon goes on.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"
#include "station/daemon/cart/clock.h"

namespace station::daemon {

struct Wanted {
  std::string path = {};               // a file of this machine; else
  std::vector<std::string> urls = {};  // the first that works
  std::string sha256 = {};             // hexadecimal; empty: not known
  std::string sha1 = {};
  std::uint64_t size = 0;  // bytes; 0: not known
  friend bool operator==(const Wanted&, const Wanted&) = default;

  [[nodiscard]] bool FromNetwork() const { return path.empty(); }
};

// kBadRequest says what is wrong with it.
[[nodiscard]] Status Check(const Wanted& wanted);
// Whether both mean one file: by content where both know it, else by where it lies.
[[nodiscard]] bool SameFile(const Wanted& a, const Wanted& b);
// Whether what is known of one contradicts the other.
[[nodiscard]] bool Contradict(const Wanted& a, const Wanted& b);

// As the ledger keeps it, with the time it was asked for.
[[nodiscard]] std::string Format(const Wanted& wanted, WallTime asked);
[[nodiscard]] std::optional<std::pair<Wanted, WallTime>> ParseWanted(std::string_view text);

}  // namespace station::daemon
