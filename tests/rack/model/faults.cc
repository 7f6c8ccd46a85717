#include "tests/rack/model/faults.h"

#include <functional>
#include <map>

namespace rack {
namespace {

std::optional<std::uint64_t> AsNumber(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::strtoull(text.c_str(), nullptr, 10);
}

using Arguments = std::vector<std::string>;
using Setter = std::function<bool(PhoneFaults&, const Arguments&)>;

bool SetUnplug(PhoneFaults& faults, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2 || !AsNumber(arguments[0])) return false;
  faults.unplug_at_byte = AsNumber(arguments[0]);
  faults.replug_after.reset();
  if (arguments.size() == 1) return true;
  const auto seconds = AsNumber(arguments[1]);
  if (seconds) faults.replug_after = std::chrono::seconds(*seconds);
  return seconds.has_value();
}

bool SetCorrupt(PhoneFaults& faults, const Arguments& arguments) {
  faults.corrupt_upload = arguments.empty() ? "any" : arguments[0];
  return arguments.size() <= 1;
}

Setter Switch(bool PhoneFaults::*flag) {
  return [flag](PhoneFaults& faults, const Arguments& arguments) {
    if (arguments.size() > 1 ||
        (arguments.size() == 1 && arguments[0] != "on" && arguments[0] != "off"))
      return false;
    faults.*flag = arguments.empty() || arguments[0] == "on";
    return true;
  };
}

const std::map<std::string, Setter>& Table() {
  static const std::map<std::string, Setter> table = {
      {"unplug-at-byte", SetUnplug},
      {"corrupt-upload", SetCorrupt},
      {"stale-nonce", Switch(&PhoneFaults::stale_nonce)},
      {"refuse-enter-recovery", Switch(&PhoneFaults::refuse_enter_recovery)},
      {"stall-asr", Switch(&PhoneFaults::stall_asr)},
      {"none",
       [](PhoneFaults& faults, const Arguments& arguments) {
         faults = PhoneFaults();
         return arguments.empty();
       }},
  };
  return table;
}

}  // namespace

station::Status ApplyFault(PhoneFaults& faults, const std::vector<std::string>& words) {
  const auto found = words.empty() ? Table().end() : Table().find(words[0]);
  if (found == Table().end()) {
    std::string known;
    for (const auto& [name, setter] : Table()) known += " " + name;
    return station::Fail(station::ErrorCode::kBadRequest, "faults are:" + known);
  }
  if (!found->second(faults, {words.begin() + 1, words.end()}))
    return station::Fail(station::ErrorCode::kBadRequest,
                         "arguments of fault " + words[0] + " not understood");
  return {};
}

}  // namespace rack
