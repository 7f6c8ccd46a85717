#pragma once
// Armings: the permission to wipe, for named ports and phones, with an expiry and a count
// (design 5.1).

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "station/base/enums.h"
#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::scheduler {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

struct ArmingId {
  std::int64_t value = 0;
  friend auto operator<=>(const ArmingId&, const ArmingId&) = default;
};

// A phone as far as it is known; what rules look at.
struct Candidate {
  PortKey port;
  Ecid ecid;
  std::string serial_number;  // empty while unknown (DFU mode gives none)
  std::string udid;           // empty while unknown
  std::string product;
};

struct Arming {
  ArmingId id;
  std::vector<PortKey> ports;
  std::vector<Ecid> ecids;
  std::vector<std::string> serial_numbers;
  Action action = Action::kErase;
  std::string firmware;  // beginning of a SHA-256; empty: the newest for the product
  int count = 0;
  std::string actor;
  WallTime created{};
  WallTime expires{};
  std::chrono::seconds countdown{0};
  bool active = true;
  // What became of it.
  std::set<Ecid> taken;            // phones it made a job for: never the same one twice
  std::set<PortKey> let_go_ports;  // disarmed one by one
  std::set<Ecid> let_go_phones;

  [[nodiscard]] int Used() const { return static_cast<int>(taken.size()); }
  [[nodiscard]] bool Open(WallTime now) const { return active && now < expires && Used() < count; }
};

enum class Match {
  kNo,
  kYes,
  kUnknown,  // it names serial numbers, and this phone does not say its own: held, never guessed
};
[[nodiscard]] Match Matches(const Arming& arming, const Candidate& phone, WallTime now);

// All armings there are; the daemon makes every change durable.
class ArmingBook {
 public:
  // kBadRequest: names nothing, a count below 0, an expiry or countdown that is no time, an action
  // that is none.
  [[nodiscard]] static Status Check(const Arming& arming);

  void Add(Arming arming);
  [[nodiscard]] const Arming* Find(ArmingId id) const;
  // The one that takes this phone: an open one that surely does (the oldest), else one that might.
  [[nodiscard]] std::optional<std::pair<ArmingId, Match>> For(const Candidate& phone,
                                                              WallTime now) const;
  // Consumes one of its count. kNotFound when it is not open any more or took this phone before.
  [[nodiscard]] Status Take(ArmingId id, Ecid ecid, WallTime now);
  // False when there is no such open arming.
  bool End(ArmingId id);
  // This port and phone are not its concern any more; it ends when nothing it names is left.
  bool LetGo(ArmingId id, const PortKey& port, Ecid ecid);
  // Marks those whose time is over as ended and names them.
  [[nodiscard]] std::vector<ArmingId> Expire(WallTime now);
  // When the next open one expires.
  [[nodiscard]] std::optional<WallTime> NextExpiry() const;

  [[nodiscard]] const std::map<ArmingId, Arming>& All() const { return armings_; }

 private:
  std::map<ArmingId, Arming> armings_;
};

}  // namespace station::scheduler
