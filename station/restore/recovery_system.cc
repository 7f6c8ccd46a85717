#include "station/restore/recovery_system.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "station/base/digest.h"
#include "station/base/log.h"
#include "station/image4/personalise.h"
#include "station/restore/boot_objects.h"
#include "station/restore/patient_signer.h"
#include "station/restore/streamed_list.h"
#include "station/signing/ticket_request.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

// Components that take room on the recovery partition, beside those iBoot loads.
constexpr std::array<std::string_view, 13> kOnPartition = {"OS",
                                                           "KernelCache",
                                                           "DeviceTree",
                                                           "iBEC",
                                                           "AppleLogo",
                                                           "StaticTrustCache",
                                                           "iBootData",
                                                           "Diags",
                                                           "Ap,SystemVolumeCanonicalMetadata",
                                                           "SystemVolume",
                                                           "BaseSystemVolume",
                                                           "Ap,BaseSystemTrustCache",
                                                           "AVISP1,RTKitOS"};

// IM4P of type lpol without content (4.2): what a local policy begins as.
constexpr std::array<std::uint8_t, 22> kEmptyPolicy = {
    0x30, 0x14, 0x16, 0x04, 'I',  'M', '4', 'P', 0x16, 0x04, 'l',
    'p',  'o',  'l',  0x16, 0x03, '1', '.', '0', 0x04, 0x01, 0x00};

Status SendOne(const char* key, Plist value, AnswerChannel& channel) {
  Plist answer = Plist::Dict();
  answer.Set(key, std::move(value));
  return channel.Send(answer);
}

Status SendNoAsset(AnswerChannel& channel) {
  return SendOne("RecoveryOSNoAssetFound", Plist::Bool(true), channel);
}

// "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" to its 16 bytes.
std::optional<std::vector<std::uint8_t>> BytesOfUuid(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  int half = -1;
  for (const char c : text) {
    if (c == '-') continue;
    const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    if (digit == std::string_view::npos) return std::nullopt;
    if (half < 0) {
      half = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<std::uint8_t>(half << 4 | static_cast<int>(digit)));
      half = -1;
    }
  }
  return bytes.size() == 16 && half < 0 ? std::optional(bytes) : std::nullopt;
}

Result<const RecoverySystem*> Required(const ProviderContext& context) {
  if (context.recovery == nullptr)
    return Fail(ErrorCode::kFirmwareNoIdentity, "this firmware names no recovery system");
  return context.recovery;
}

}  // namespace

Result<std::optional<firmware::Identity>> FindRecoveryIdentity(
    const firmware::Identity& identity, const firmware::BuildManifest* manifest) {
  const auto variant = identity.Info()["RecoveryVariant"].String();
  if (!variant || manifest == nullptr) return std::nullopt;
  for (const firmware::Identity& other : manifest->Identities())
    if (other.Board() == identity.Board() && other.Variant() == *variant)
      return std::optional(other);
  return Fail(ErrorCode::kFirmwareNoIdentity, "no '" + *variant + "' for " + identity.Board());
}

Result<std::unique_ptr<RecoverySystem>> PrepareRecoverySystem(const firmware::Identity& identity,
                                                              const ComponentSource& components,
                                                              const RestoreSetup& setup) {
  const image4::Ticket& main = components.Ticket();
  signing::PhoneIdentity phone{setup.ecid,
                               static_cast<std::uint32_t>(identity.ChipId().value_or(0)),
                               static_cast<std::uint32_t>(identity.BoardId().value_or(0)),
                               main.Octets("BNCH").value_or(std::vector<std::uint8_t>()),
                               main.Octets("snon").value_or(std::vector<std::uint8_t>())};
  STATION_TRY(request, signing::BuildApRequest(identity, phone));
  auto answer = setup.ask(std::move(request));
  if (!answer) return Fail(std::move(answer).error(), "ticket of the recovery system");
  STATION_TRY(ticket, signing::TakeTicket(answer->Get(), identity, phone));
  auto system = std::make_unique<RecoverySystem>(identity, std::move(ticket), nullptr);
  system->components =
      std::make_unique<ComponentSource>(components.Reader(), system->identity, system->ticket);
  return system;
}

RecoverySystemRoom RoomFor(const RecoverySystem& system) {
  constexpr double kMegabyte = 0x100000;
  double megabytes = 0;
  for (const firmware::Component& component : system.identity.Components()) {
    const bool counts = component.Flag("IsLoadedByiBoot") ||
                        std::ranges::find(kOnPartition, component.Name()) != kOnPartition.end();
    const auto path = component.Path();
    if (!counts || !path) continue;
    if (const auto size = system.components->Reader().SizeOf(*path))
      megabytes += static_cast<double>(*size) / kMegabyte;
  }
  megabytes = std::ceil(megabytes);
  return {system.identity.Variant(), static_cast<std::uint64_t>(megabytes * 1.05 + 25),
          static_cast<std::uint64_t>(megabytes * 1.25 + 25)};
}

const ComponentSource& ComponentsFor(View arguments, const ProviderContext& context) {
  const bool recovery = arguments["IsRecoveryOS"].Bool().value_or(false);
  return recovery && context.recovery != nullptr ? *context.recovery->components
                                                 : context.components;
}

Status ProvideRecoveryTicket(const DataRequest&, const ProviderContext& context,
                             AnswerChannel& channel) {
  STATION_TRY(system, Required(context));
  return SendOne("RootTicketData", Plist::Data(system->ticket.Raw()), channel);
}

Status ProvideRecoveryFile(const DataRequest& request, const ProviderContext& context,
                           AnswerChannel& channel) {
  static constexpr std::string_view kPrefix = "RecoveryOS";
  const auto key = request.arguments["FWOverrideKey"].String();
  if (!key) return Fail(ErrorCode::kRestoreDialogue, request.type + " without FWOverrideKey");
  if (context.recovery == nullptr || !key->starts_with(kPrefix)) return SendNoAsset(channel);
  auto image = context.recovery->components->Personalised(key->substr(kPrefix.size()));
  if (!image) {
    LogError(LogLevel::kWarning, "no such file of the recovery system", image.error());
    return SendNoAsset(channel);
  }
  StreamedList answer;
  answer.Key("AdditionalBootImages").Data(std::move(*image));
  return channel.SendWritten(answer.Message());
}

Status ProvideRecoveryBootFiles(const DataRequest&, const ProviderContext& context,
                                AnswerChannel& channel) {
  if (context.recovery == nullptr) return SendNoAsset(channel);
  StreamedList answer;
  answer.Key("AdditionalBootImages").BeginDict();
  bool any = false;
  for (const firmware::Component& component : context.recovery->identity.Components()) {
    if (!component.Flag("IsLoadedByiBoot") && !component.Flag("IsLoadedByiBootStage1")) continue;
    if (!component.Path()) continue;
    STATION_TRY(image, context.recovery->components->Personalised(component.Name()));
    answer.Key(component.Name()).Data(std::move(image));
    any = true;
  }
  if (!any) return SendNoAsset(channel);
  answer.EndDict();
  return channel.SendWritten(answer.Message());
}

Status ProvideRecoveryImage(const DataRequest&, const ProviderContext& context,
                            AnswerChannel& channel) {
  STATION_TRY(system, Required(context));
  STATION_TRY(path, system->components->PathOf("OS"));
  return SendMember(path, context, channel);
}

Status ProvideRecoveryVersion(const DataRequest&, const ProviderContext& context,
                              AnswerChannel& channel) {
  STATION_TRY(system, Required(context));
  const View info = system->identity.Info();
  Plist version = Plist::Dict();
  for (const auto& [key, source] : {std::pair{"BuildNumber", "BuildNumber"},
                                    {"Variant", "Variant"},
                                    {"BuildTrain", "BuildTrain"},
                                    {"ProductMarketingVersion", "ProductVersion"}})
    if (info[source].Present()) version.Set(key, Plist::Copy(info[source]));
  const std::string xml = version.ToXml();
  return SendOne("RecoveryOSVersionData",
                 Plist::Data({reinterpret_cast<const std::uint8_t*>(xml.data()), xml.size()}),
                 channel);
}

// A policy signed for the volume the phone names (4.9).
Status ProvideRecoveryPolicy(const DataRequest& request, const ProviderContext& context,
                             AnswerChannel& channel) {
  STATION_TRY(system, Required(context));
  const View arguments = request.arguments;
  const auto volume = BytesOfUuid(arguments["Ap,VolumeUUID"].String().value_or(""));
  if (!arguments["Ap,NextStageIM4MHash"].IsData() || !volume)
    return Fail(ErrorCode::kRestoreDialogue, "RecoveryOSLocalPolicy without hash or volume");
  const firmware::Identity& identity = system->identity;
  Plist policy = Plist::Dict();
  policy.Set("Digest", Plist::Data(DigestOf(DigestKind::kSha384, kEmptyPolicy)))
      .Set("Trusted", Plist::Bool(true));
  Plist ask = Plist::Dict();
  ask.Set("@ApImg4Ticket", Plist::Bool(true))
      .Set("Ap,LocalBoot", Plist::Bool(true))
      .Set("Ap,LocalPolicy", std::move(policy));
  for (const char* key : {"Ap,NextStageIM4MHash", "Ap,RecoveryOSPolicyNonceHash"})
    if (arguments[key].IsData()) ask.Set(key, Plist::Copy(arguments[key]));
  ask.Set("Ap,VolumeUUID", Plist::Data(*volume))
      .Set("ApECID", Plist::Integer(context.setup.ecid.value));
  ask.Set("ApChipID", Plist::Integer(identity.ChipId().value_or(0)))
      .Set("ApBoardID", Plist::Integer(identity.BoardId().value_or(0)));
  ask.Set("ApSecurityDomain", Plist::Integer(identity.SecurityDomain().value_or(1)));
  ask.Set("ApNonce", Plist::Data(context.components.Ticket().Octets("BNCH").value_or(
                         std::vector<std::uint8_t>())));
  ask.Set("ApSecurityMode", Plist::Bool(true)).Set("ApProductionMode", Plist::Bool(true));
  auto answer = AskPatiently(ask, context);
  if (!answer) return Fail(std::move(answer).error(), "ticket of the local policy");
  const auto ticket = (*answer)["ApImg4Ticket"].Data();
  if (!ticket)
    return Fail(ErrorCode::kSigningBadAnswer,
                "the answer holds no ApImg4Ticket for the local policy");
  STATION_TRY(image, image4::Personalised::Make(kEmptyPolicy, *ticket, std::nullopt));
  return SendOne("Ap,LocalPolicy", Plist::Data(image.Assemble()), channel);
}

}  // namespace station::restore
