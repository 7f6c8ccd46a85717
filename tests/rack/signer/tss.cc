#include "tests/rack/signer/tss.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "tests/rack/image4/ticket.h"
#include "tests/rack/signer/ap_ticket.h"
#include "tests/rack/signer/peripheral.h"

namespace rack {
namespace {

constexpr std::string_view kNotEligible =
    "STATUS=94&MESSAGE=This device isn't eligible for the requested build.";
constexpr std::string_view kMalformed = "STATUS=100&MESSAGE=An internal error occurred.";

std::string RefusalText(const SigningRefusal& refusal) {
  spdlog::warn("signer status={} reason=\"{}\"", refusal.status, refusal.reason);
  if (refusal.status == 94) return std::string(kNotEligible);
  if (refusal.status == 100) return std::string(kMalformed);
  return fmt::format("STATUS={}&MESSAGE=The request for the baseband is not well formed.",
                     refusal.status);
}

}  // namespace

Bytes TicketSigner::Sign(const Value& request, const SignerFaults& faults) const {
  const auto chip = static_cast<std::uint32_t>(request.Number("ApChipID").value_or(0));
  const Generation generation = GenerationOf(chip);
  const Bytes body = ApManifestBody(request, {.wrong_ecid = faults.wrong_ecid,
                                              .wrong_nonce = faults.wrong_nonce,
                                              .repeatable = faults.repeatable});
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
  if (const auto added = AddPeripheralTickets(request, keys_, faults.refuse_updater, answer);
      !added)
    return RefusalText(added.error());
  return "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=" + answer.ToXml();
}

}  // namespace rack
