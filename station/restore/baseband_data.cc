#include "station/restore/baseband_data.h"

#include <algorithm>

#include "station/base/log.h"
#include "station/restore/baseband_package.h"
#include "station/restore/patient_signer.h"
#include "station/signing/baseband_request.h"
#include "station/signing/request_fields.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

std::span<const std::uint8_t> BytesOf(View value) {
  return value.Data().value_or(std::span<const std::uint8_t>());
}

// An answer signed for this very nonce, from an earlier round or together with the AP ticket in
// normal mode; absent otherwise: a ticket for another nonce is worth nothing.
std::optional<Plist> Remembered(std::span<const std::uint8_t> nonce,
                                const ProviderContext& context) {
  if (nonce.empty()) return std::nullopt;
  const std::lock_guard lock(context.memory.mutex);
  if (context.memory.baseband_answer && std::ranges::equal(nonce, context.memory.baseband_nonce))
    return Plist::Copy(context.memory.baseband_answer.Get());
  const View preflight = context.setup.ap_answer;
  if (signing::CheckBasebandAnswer(preflight) &&
      std::ranges::equal(nonce, BytesOf(context.setup.preflight["Nonce"])))
    return Plist::Copy(preflight);
  return std::nullopt;
}

Result<Plist> AnswerFor(const signing::BasebandChip& chip, const ProviderContext& context) {
  if (auto remembered = Remembered(chip.nonce, context)) return std::move(*remembered);
  STATION_TRY(request, signing::BuildBasebandRequest(context.components.Identity(),
                                                     context.setup.ecid, chip));
  auto answer = AskPatiently(request, context);
  if (!answer) return Fail(std::move(answer).error(), "ticket of the baseband");
  STATION_CHECK(signing::CheckBasebandAnswer(answer->Get()));
  if (!chip.nonce.empty()) {
    const std::lock_guard lock(context.memory.mutex);
    context.memory.baseband_nonce.assign(chip.nonce.begin(), chip.nonce.end());
    context.memory.baseband_answer = Plist::Copy(answer->Get());
  }
  return answer;
}

}  // namespace

Status ProvideBasebandData(const DataRequest& request, const ProviderContext& context,
                           AnswerChannel& channel) {
  const View arguments = request.arguments;
  const signing::BasebandChip chip{signing::NumberOf(arguments["ChipID"]).value_or(0),
                                   signing::NumberOf(arguments["CertID"]).value_or(0),
                                   BytesOf(arguments["ChipSerialNo"]), BytesOf(arguments["Nonce"])};
  STATION_TRY(answer, AnswerFor(chip, context));
  STATION_TRY(bbfw, context.components.Unchanged("BasebandFirmware"));
  STATION_TRY(package, BuildBasebandPackage(bbfw, answer.Get(), chip.chip_id, !chip.nonce.empty()));
  Log(LogLevel::kInfo, "baseband signed for",
      {{"with_nonce", chip.nonce.empty() ? "no" : "yes"},
       {"bytes", std::to_string(package.size())}});
  bbfw = {};
  Plist response = Plist::Dict();
  response.Set("BasebandData", Plist::Data(package));
  return channel.Send(response);
}

}  // namespace station::restore
