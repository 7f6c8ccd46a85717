#include "tests/rack/signer/tss.h"

#include <spdlog/spdlog.h>

#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/ticket.h"
#include "tests/rack/signer/ap_ticket.h"

namespace rack {
namespace {

constexpr std::string_view kNotEligible =
    "STATUS=94&MESSAGE=This device isn't eligible for the requested build.";
constexpr std::string_view kMalformed = "STATUS=100&MESSAGE=An internal error occurred.";

// "@SE,Ticket" asks for "SE,Ticket": an opaque blob, since nobody in the rack reads it.
void AddPeripheralTickets(const Value& request, Value& answer) {
  for (const auto& [key, flag] : *request.AsDict()) {
    const bool asks = key.starts_with('@') && key.ends_with("Ticket") && flag.AsBool() != nullptr &&
                      *flag.AsBool();
    if (!asks || key == "@ApImg4Ticket" || key == "@APTicket") continue;
    answer.Set(key.substr(1), RandomBytes(512));
  }
}

}  // namespace

Bytes TicketSigner::Sign(const Value& request, const SignerFaults& faults) const {
  const auto chip = static_cast<std::uint32_t>(request.Number("ApChipID").value_or(0));
  const Generation generation = GenerationOf(chip);
  const Bytes body =
      ApManifestBody(request, {.wrong_ecid = faults.wrong_ecid, .wrong_nonce = faults.wrong_nonce});
  return WriteTicket(body, keys_.Sign(body, generation), keys_.Chain(generation, chip));
}

std::string TicketSigner::Answer(const Value& request, const SignerFaults& faults) const {
  if (request.AsDict() == nullptr || request.AsDict()->empty()) return std::string(kMalformed);
  if (faults.refuse) return std::string(kNotEligible);
  Value answer = Value::Dict{{"@ServerVersion", "2.1.0"}};
  if (request.Flag("@ApImg4Ticket")) {
    const std::string objection = ApObjection(request, products_);
    if (!objection.empty()) {
      spdlog::warn("signer status=94 reason=\"{}\"", objection);
      return std::string(kNotEligible);
    }
    answer.Set("ApImg4Ticket", Sign(request, faults));
  }
  AddPeripheralTickets(request, answer);
  return "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=" + answer.ToXml();
}

}  // namespace rack
