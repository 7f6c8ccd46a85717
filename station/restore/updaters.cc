#include "station/restore/updaters.h"

#include "station/base/log.h"
#include "station/restore/patient_signer.h"
#include "station/restore/updater_firmware.h"
#include "station/signing/peripheral_request.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

// A phone asks once or twice per chip, and starts over up to six times; beyond that it never takes
// what it is given.
constexpr int kMostRounds = 24;

Status CountRound(const std::string& updater, RestoreMemory& memory) {
  const std::lock_guard lock(memory.mutex);
  const int round = ++memory.updater_rounds[updater];
  if (round <= kMostRounds) return {};
  return Fail(ErrorCode::kUpdaterLoop, "the updater " + updater.substr(0, 64) + " asks for the " +
                                           std::to_string(round) + "th time");
}

// Newer phones list what they want; older ones list nothing and want the firmware with the ticket.
bool WantsFirmware(View tags) {
  const View list = tags["ResponseTags"];
  if (!list.IsArray()) return true;
  for (std::size_t i = 0; i < list.Size(); ++i)
    if (list.At(i).String() == "FirmwareData") return true;
  return false;
}

}  // namespace

Status ProvideUpdaterData(const DataRequest& request, const ProviderContext& context,
                          AnswerChannel& channel) {
  const View arguments = request.arguments;
  const auto updater = arguments["MessageArgUpdaterName"].String();
  const View info = arguments["MessageArgInfo"];
  if (arguments["MessageArgType"].String() != "FirmwareResponseData" || !updater || !info.IsDict())
    return Fail(ErrorCode::kRestoreDialogue, "FirmwareUpdaterData without type, updater or info");
  STATION_CHECK(CountRound(*updater, context.memory));

  const signing::PeripheralInput input{context.components.Identity(), info,
                                       arguments["DeviceGeneratedRequest"],
                                       arguments["DeviceGeneratedTags"]};
  STATION_TRY(asked, signing::BuildPeripheralRequest(*updater, input));
  auto answer = AskPatiently(asked.request, context);
  if (!answer) return Fail(std::move(answer).error(), "ticket of " + *updater);
  STATION_CHECK(signing::CheckPeripheralAnswer(answer->Get(), asked));
  Log(LogLevel::kInfo, "chip signed for",
      {{"updater", *updater}, {"by", asked.chip}, {"component", asked.component}});

  if (WantsFirmware(input.tags)) {
    STATION_TRY(firmware, UpdaterFirmware(asked, info, context.components));
    if (firmware) answer->Set("FirmwareData", std::move(*firmware));
  }
  Plist response = Plist::Dict();
  response.Set("FirmwareResponseData", std::move(*answer));
  return channel.Send(response);
}

}  // namespace station::restore
