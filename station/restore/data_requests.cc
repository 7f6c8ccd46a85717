#include "station/restore/data_requests.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "station/base/log.h"
#include "station/restore/asr.h"
#include "station/restore/baseband_data.h"
#include "station/restore/boot_objects.h"
#include "station/restore/image_lists.h"
#include "station/restore/nor_data.h"
#include "station/restore/recovery_system.h"
#include "station/restore/streamed_list.h"
#include "station/restore/updater_output.h"
#include "station/restore/updaters.h"
#include "station/restore/url_assets.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

using Provider = Status (*)(const DataRequest&, const ProviderContext&, AnswerChannel&);

Plist One(const std::string& key, Plist value) {
  Plist answer = Plist::Dict();
  answer.Set(key, std::move(value));
  return answer;
}

Status SendPersonalised(const char* key, const char* component, const ProviderContext& context,
                        AnswerChannel& channel) {
  STATION_TRY(image, context.components.Personalised(component));
  StreamedList answer;
  answer.Key(key).Data(std::move(image));
  return channel.SendWritten(answer.Message());
}

Status RootTicket(const DataRequest&, const ProviderContext& context, AnswerChannel& channel) {
  return channel.Send(One("RootTicketData", Plist::Data(context.components.Ticket().Raw())));
}
Status KernelCache(const DataRequest&, const ProviderContext& context, AnswerChannel& channel) {
  return SendPersonalised("KernelCacheFile", "KernelCache", context, channel);
}
Status DeviceTree(const DataRequest&, const ProviderContext& context, AnswerChannel& channel) {
  return SendPersonalised("DeviceTreeFile", "DeviceTree", context, channel);
}
Status RootHash(const DataRequest&, const ProviderContext& context, AnswerChannel& channel) {
  return SendPersonalised("SystemImageRootHashFile", "SystemVolume", context, channel);
}
Status CanonicalMetadata(const DataRequest&, const ProviderContext& context,
                         AnswerChannel& channel) {
  return SendPersonalised("SystemImageCanonicalMetadataFile", "Ap,SystemVolumeCanonicalMetadata",
                          context, channel);
}
Status Nor(const DataRequest& request, const ProviderContext& context, AnswerChannel& channel) {
  StreamedList answer;
  STATION_CHECK(
      AddNorData(context.components, request.arguments["FlashVersion1"].Present(), answer));
  return channel.SendWritten(answer.Message());
}
Status Empty(const DataRequest&, const ProviderContext&, AnswerChannel& channel) {
  return channel.Send(Plist::Dict());
}

Status SystemImage(const DataRequest& request, const ProviderContext& context, AnswerChannel&) {
  STATION_TRY(image, context.components.SystemImage());
  STATION_CHECK(StreamSystemImage(context.connect, request.data_port.value_or(kAsrPort), image,
                                  context.control));
  context.image_sent();
  return {};
}

Status BuildIdentity(const DataRequest& request, const ProviderContext& context,
                     AnswerChannel& channel) {
  const ComponentSource& components = ComponentsFor(request.arguments, context);
  Plist answer = One("BuildIdentityDict", Plist::Copy(components.Identity().Node()));
  answer.Set("Variant", Plist::String(request.arguments["Variant"].String().value_or("Erase")));
  return channel.Send(answer);
}
Status ReceiptManifest(const DataRequest&, const ProviderContext& context, AnswerChannel& channel) {
  return channel.Send(
      One("ReceiptManifest", Plist::Copy(context.components.Identity().Node()["Manifest"])));
}

// Seconds since 1970, as a phone without a network asks for them.
Status HostSystemTime(const DataRequest&, const ProviderContext&, AnswerChannel& channel) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return channel.Send(
      One("SetHostTimeOnDevice", Plist::Real(std::chrono::duration<double>(now).count())));
}

constexpr auto kProviders = std::to_array<std::pair<std::string_view, Provider>>({
    {"RootTicket", &RootTicket},
    {"NORData", &Nor},
    {"FDRTrustData", &Empty},
    {"SystemImageData", &SystemImage},
    {"KernelCache", &KernelCache},
    {"DeviceTree", &DeviceTree},
    {"SystemImageRootHash", &RootHash},
    {"SystemImageCanonicalMetadata", &CanonicalMetadata},
    {"FUDData", &ProvideFudData},
    {"EANData", &ProvideEanData},
    {"PersonalizedData", &ProvidePersonalizedData},
    {"FirmwareUpdaterPreflight", &Empty},
    {"BuildIdentityDict", &BuildIdentity},
    {"ReceiptManifest", &ReceiptManifest},
    {"PersonalizedBootObjectV3", &ProvidePersonalisedBootObject},
    {"SourceBootObjectV4", &ProvideSourceBootObject},
    {"HostSystemTime", &HostSystemTime},
    {"URLAsset", &ProvideUrlAsset},
    {"StreamedImageDecryptionKey", &ProvideDecryptionKey},
    {"BasebandUpdaterOutputData", &TakeUpdaterOutput},
    {"RecoveryOSASRImage", &SystemImage},
    {"RecoveryOSRootTicketData", &ProvideRecoveryTicket},
    {"RecoveryOSLocalPolicy", &ProvideRecoveryPolicy},
    {"RecoveryOSFileAssetImage", &ProvideRecoveryFile},
    {"RecoveryOSIBootFWFilesImages", &ProvideRecoveryBootFiles},
    {"RecoveryOSImage", &ProvideRecoveryImage},
    {"RecoveryOSVersionData", &ProvideRecoveryVersion},
    {"FirmwareUpdaterData", &ProvideUpdaterData},
    {"BasebandData", &ProvideBasebandData},
});

const char* TypeOf(View value) {
  if (value.IsDict()) return "dict";
  if (value.IsArray()) return "array";
  if (value.IsData()) return "data";
  if (value.IsString()) return "string";
  if (value.IsBool()) return "bool";
  return value.IsInteger() ? "integer" : "other";
}

}  // namespace

std::string ShapeOf(View arguments) {
  std::string shape;
  arguments.ForEach([&](const std::string& key, View value) {
    shape += (shape.empty() ? "" : ",") + key.substr(0, 64) + ":" + TypeOf(value);
  });
  return shape.empty() ? "none" : shape.substr(0, 512);
}

Status ProvideData(const DataRequest& request, const ProviderContext& context,
                   AnswerChannel& channel) {
  Log(LogLevel::kInfo, "data requested",
      {{"type", request.type}, {"arguments", ShapeOf(request.arguments)}});
  const auto* row =
      std::ranges::find(kProviders, request.type, &std::pair<std::string_view, Provider>::first);
  if (row == kProviders.end()) {
    Log(LogLevel::kWarning, "data request left unanswered",
        {{"type", request.type}, {"arguments", ShapeOf(request.arguments)}});
    return {};
  }
  auto provided = row->second(request, context, channel);
  if (!provided) return Fail(std::move(provided).error(), "providing " + request.type);
  return {};
}

}  // namespace station::restore
