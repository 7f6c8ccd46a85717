#include "tests/rack/signer/switch.h"

namespace rack {

station::Status SwitchSigner(SignerFaults& faults, const std::vector<std::string>& words) {
  const std::string name = words.empty() ? "" : words[0];
  const std::string argument = words.size() > 1 ? words[1] : "";
  const bool on = argument != "off";
  const bool plain = argument.empty() || argument == "on" || argument == "off";
  const bool number =
      !argument.empty() && argument.find_first_not_of("0123456789") == std::string::npos;
  if (words.size() <= 2) {
    if (name == "none" && argument.empty()) return void(faults = SignerFaults()), station::Status();
    if (name == "wrong-ecid" && plain) return void(faults.wrong_ecid = on), station::Status();
    if (name == "wrong-nonce" && plain) return void(faults.wrong_nonce = on), station::Status();
    if (name == "refuse-94" && plain) return void(faults.refuse = on), station::Status();
    if (name == "http-503" && number)
      return void(faults.unavailable = std::stoi(argument)), station::Status();
    if (name == "delay" && number)
      return void(faults.delay = std::chrono::seconds(std::stoi(argument))), station::Status();
  }
  return station::Fail(
      station::ErrorCode::kBadRequest,
      "signer faults are: wrong-ecid, wrong-nonce, refuse-94 [on|off]; http-503 COUNT; "
      "delay SECONDS; none");
}

}  // namespace rack
