#pragma once
// Who is to blame for what failed: a port, its hub, a phone, a firmware. Counted over attempts; a
// port is only suspected when its phones do well elsewhere, or several fail on it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "station/base/error_code.h"
#include "station/base/ids.h"

namespace station::scheduler {

// One attempt that ended.
struct AttemptFact {
  PortKey port;
  Ecid ecid;
  std::string firmware;  // SHA-256
  ErrorCode error = ErrorCode::kNone;
  std::int64_t ended = 0;  // milliseconds since 1970
};

enum class Suspect : std::uint8_t { kPort, kHub, kPhone, kFirmware };
inline constexpr std::array kAllSuspects = {Suspect::kPort, Suspect::kHub, Suspect::kPhone,
                                            Suspect::kFirmware};
[[nodiscard]] std::string_view Name(Suspect suspect);

struct Count {
  std::size_t attempts = 0;  // that ended well, or in a way that is anybody's of these to blame
  std::size_t failures = 0;
  std::size_t phones_failed = 0;  // different ones
  std::size_t elsewhere = 0;  // of those: ended well on other ports (of a phone: other phones did
                              // well on its ports)
};

// When each port was serviced last; what was before does not count for it any more.
using Services = std::map<PortKey, std::int64_t>;

class Blame {
 public:
  // The newest so many of a port are looked at.
  static constexpr std::size_t kLast = 12;
  static constexpr std::size_t kFewest = 3;  // failures, before anybody is suspected

  Blame(std::span<const AttemptFact> facts, const Services& services);

  [[nodiscard]] const std::map<std::string, Count>& Of(Suspect suspect) const {
    return counts_.at(suspect);
  }
  [[nodiscard]] Count OfPort(const PortKey& port) const;
  // More failures than successes among the last, and it is not the phones: they did well elsewhere,
  // or there were several.
  [[nodiscard]] bool PortIsBad(const PortKey& port) const { return IsBad(OfPort(port)); }
  [[nodiscard]] static bool IsBad(const Count& count);

 private:
  std::map<Suspect, std::map<std::string, Count>> counts_;
};

// "5 of 6 attempts failed; 2 phones that failed here did well elsewhere"
[[nodiscard]] std::string BlameText(const Count& count);

// Whether an attempt that ended so says something about cable, port, hub or phone at all.
[[nodiscard]] bool CountsForBlame(ErrorCode error);

}  // namespace station::scheduler
