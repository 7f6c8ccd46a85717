#include "tests/rack/signer/switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "tests/rack/signer/peripheral.h"

namespace rack {
namespace {

using Setter = std::function<bool(SignerFaults&, const std::string& argument)>;

Setter Switch(bool SignerFaults::*flag) {
  return [flag](SignerFaults& faults, const std::string& argument) {
    faults.*flag = argument != "off";
    return argument.empty() || argument == "on" || argument == "off";
  };
}

Setter Number(std::function<void(SignerFaults&, int)> set) {
  return [set = std::move(set)](SignerFaults& faults, const std::string& argument) {
    const bool number = !argument.empty() && argument.size() < 10 &&
                        argument.find_first_not_of("0123456789") == std::string::npos;
    if (number) set(faults, std::stoi(argument));
    return number;
  };
}

struct Row {
  FaultLine line;
  Setter set;
};

const std::vector<Row>& Table() {
  static const std::vector<Row> table = {
      {{"wrong-ecid [on|off]", "signs tickets for another phone", "switched off"},
       Switch(&SignerFaults::wrong_ecid)},
      {{"wrong-nonce [on|off]", "signs tickets for another boot", "switched off"},
       Switch(&SignerFaults::wrong_nonce)},
      {{"refuse-94 [on|off]", "answers status 94: not eligible", "switched off"},
       Switch(&SignerFaults::refuse)},
      {{"http-503 COUNT", "answers COUNT requests with HTTP 503", "counted down"},
       Number([](SignerFaults& faults, int count) { faults.unavailable = count; })},
      {{"delay SECONDS", "waits before each answer", "set to 0"},
       Number([](SignerFaults& faults, int seconds) {
         faults.delay = std::chrono::seconds(seconds);
       })},
      {{"refuse-updater NAME|off",
        "answers status 94 to that updater (Baseband, SE, Savage, Yonkers, Rose, T200...)",
        "switched off"},
       [](SignerFaults& faults, const std::string& argument) {
         faults.refuse_updater = argument == "off" ? "" : argument;
         return argument == "off" || IsUpdaterName(argument);
       }},
      {{"none", "clears all faults of the signer"},
       [](SignerFaults& faults, const std::string& argument) {
         faults = SignerFaults();
         return argument.empty();
       }},
  };
  return table;
}

}  // namespace

std::vector<FaultLine> SignerFaultLines() {
  std::vector<FaultLine> lines;
  for (const Row& row : Table()) lines.push_back(row.line);
  return lines;
}

station::Status SwitchSigner(SignerFaults& faults, const std::vector<std::string>& words) {
  const auto found = std::ranges::find_if(
      Table(), [&](const Row& row) { return !words.empty() && row.line.Name() == words[0]; });
  if (found != Table().end() && words.size() <= 2 &&
      found->set(faults, words.size() > 1 ? words[1] : ""))
    return {};
  std::string known = "signer faults are:";
  for (const Row& row : Table()) known += fmt::format(" {};", row.line.usage);
  return station::Fail(station::ErrorCode::kBadRequest, known);
}

}  // namespace rack
