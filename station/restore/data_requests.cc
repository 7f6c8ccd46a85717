#include "station/restore/data_requests.h"

#include <algorithm>
#include <array>
#include <vector>

#include "station/base/log.h"
#include "station/restore/asr.h"
#include "station/restore/nor_data.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

using Provider = Status (*)(const DataRequest&, const ProviderContext&, const SendAnswer&);

Plist One(const std::string& key, Plist value) {
  Plist answer = Plist::Dict();
  answer.Set(key, std::move(value));
  return answer;
}

Status SendPersonalised(const char* key, const char* component, const ProviderContext& context, const SendAnswer& send) {
  STATION_TRY(image, context.components.Personalised(component));
  return send(One(key, Plist::Data(image)));
}

Status RootTicket(const DataRequest&, const ProviderContext& context, const SendAnswer& send) {
  return send(One("RootTicketData", Plist::Data(context.components.Ticket().Raw())));
}
Status KernelCache(const DataRequest&, const ProviderContext& context, const SendAnswer& send) {
  return SendPersonalised("KernelCacheFile", "KernelCache", context, send);
}
Status DeviceTree(const DataRequest&, const ProviderContext& context, const SendAnswer& send) {
  return SendPersonalised("DeviceTreeFile", "DeviceTree", context, send);
}
Status RootHash(const DataRequest&, const ProviderContext& context, const SendAnswer& send) {
  return SendPersonalised("SystemImageRootHashFile", "SystemVolume", context, send);
}
Status CanonicalMetadata(const DataRequest&, const ProviderContext& context, const SendAnswer& send) {
  return SendPersonalised("SystemImageCanonicalMetadataFile", "Ap,SystemVolumeCanonicalMetadata", context, send);
}
Status Nor(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  STATION_TRY(answer, BuildNorData(context.components, request.arguments["FlashVersion1"].Present()));
  return send(answer);
}
Status Empty(const DataRequest&, const ProviderContext&, const SendAnswer& send) { return send(Plist::Dict()); }

Status SystemImage(const DataRequest& request, const ProviderContext& context, const SendAnswer&) {
  STATION_TRY(image, context.components.SystemImage());
  STATION_CHECK(StreamSystemImage(context.device, request.data_port.value_or(kAsrPort), image, context.control));
  context.image_sent();
  return {};
}

// Names in the identity whose Info carries `flag`; the three forms in which firmware lists are asked for (6.7).
Status FlaggedImages(const std::string& flag, const std::string& list_key, const std::string& data_key,
                     const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  std::vector<std::string> names;
  for (const firmware::Component& component : context.components.Identity().Components())
    if (component.Flag(flag) && component.Path()) names.push_back(component.Name());
  if (request.arguments[list_key].Bool().value_or(false) || request.arguments["ImageList"].Bool().value_or(false)) {
    Plist list = Plist::Array();
    for (const std::string& name : names) list.Append(Plist::String(name));
    return send(One(list_key, std::move(list)));
  }
  if (const auto wanted = request.arguments["ImageName"].String()) {
    Plist answer = One("ImageName", Plist::String(*wanted));
    if (std::ranges::find(names, *wanted) != names.end()) {
      STATION_TRY(image, context.components.Personalised(*wanted));
      answer.Set(data_key, Plist::Data(image));
    }
    return send(answer);
  }
  Plist all = Plist::Dict();
  for (const std::string& name : names) {
    STATION_TRY(image, context.components.Personalised(name));
    all.Set(name, Plist::Data(image));
  }
  return send(One(data_key, std::move(all)));
}

Status FudData(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  return FlaggedImages("IsFUDFirmware", "FUDImageList", "FUDImageData", request, context, send);
}
Status EanData(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  return FlaggedImages("IsEarlyAccessFirmware", "EANImageList", "EANData", request, context, send);
}
Status PersonalizedData(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  const auto flag = request.arguments["ImageType"].String();
  if (!flag) return Fail(ErrorCode::kRestoreDialogue, "PersonalizedData without ImageType");
  return FlaggedImages(*flag, "ImageList", "ImageData", request, context, send);
}

Status BuildIdentity(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  Plist answer = One("BuildIdentityDict", Plist::Copy(context.components.Identity().Node()));
  answer.Set("Variant", Plist::String(request.arguments["Variant"].String().value_or("Erase")));
  return send(answer);
}
Status ReceiptManifest(const DataRequest&, const ProviderContext& context, const SendAnswer& send) {
  return send(One("ReceiptManifest", Plist::Copy(context.components.Identity().Node()["Manifest"])));
}

// Boot objects go in pieces of 8192 bytes, each its own message.
Status SendFile(std::span<const std::uint8_t> bytes, const SendAnswer& send) {
  constexpr std::size_t kPiece = 8192;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece)
    STATION_CHECK(send(One("FileData", Plist::Data(bytes.subspan(at, std::min(kPiece, bytes.size() - at))))));
  return send(One("FileDataDone", Plist::Bool(true)));
}

Result<std::vector<std::uint8_t>> BootObject(const std::string& name, bool personalised, const ProviderContext& context) {
  constexpr std::array<std::pair<std::string_view, const char*>, 3> kFiles{{{"__GlobalManifest__", "BuildManifest.plist"},
                                                                            {"__RestoreVersion__", "RestoreVersion.plist"},
                                                                            {"__SystemVersion__", "SystemVersion.plist"}}};
  for (const auto& [object, file] : kFiles)
    if (name == object) return context.components.Reader().Read(file);
  return personalised ? context.components.Personalised(name) : context.components.Unchanged(name);
}

Status PersonalisedBootObject(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  STATION_TRY(object, BootObject(request.arguments["ImageName"].String().value_or(""), true, context));
  return SendFile(object, send);
}
Status SourceBootObject(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  STATION_TRY(object, BootObject(request.arguments["ImageName"].String().value_or(""), false, context));
  return SendFile(object, send);
}

Status Unsupported(const DataRequest& request, const ProviderContext&, const SendAnswer&) {
  const std::string updater = request.arguments["MessageArgUpdaterName"].String().value_or("");
  return Fail(ErrorCode::kUpdaterUnsupported, "the phone asks for " + request.type + " " + updater);
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
    {"FUDData", &FudData},
    {"EANData", &EanData},
    {"PersonalizedData", &PersonalizedData},
    {"FirmwareUpdaterPreflight", &Empty},
    {"BuildIdentityDict", &BuildIdentity},
    {"ReceiptManifest", &ReceiptManifest},
    {"PersonalizedBootObjectV3", &PersonalisedBootObject},
    {"SourceBootObjectV4", &SourceBootObject},
    {"FirmwareUpdaterData", &Unsupported},
    {"BasebandData", &Unsupported},
});

std::string Shape(View arguments) {
  std::string keys;
  arguments.ForEach([&](const std::string& key, View) { keys += (keys.empty() ? "" : ",") + key.substr(0, 64); });
  return keys.empty() ? "none" : keys.substr(0, 512);
}

}  // namespace

Status ProvideData(const DataRequest& request, const ProviderContext& context, const SendAnswer& send) {
  Log(LogLevel::kInfo, "data requested", {{"type", request.type}, {"arguments", Shape(request.arguments)}});
  const auto* row = std::ranges::find(kProviders, request.type, &std::pair<std::string_view, Provider>::first);
  if (row == kProviders.end()) {
    Log(LogLevel::kWarning, "data request left unanswered", {{"type", request.type}, {"arguments", Shape(request.arguments)}});
    return {};
  }
  auto provided = row->second(request, context, send);
  if (!provided) return Fail(std::move(provided).error(), "providing " + request.type);
  return {};
}

}  // namespace station::restore
