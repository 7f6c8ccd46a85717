#include "station/restore/data_requests.h"

#include <algorithm>
#include <array>
#include <vector>

#include "station/base/log.h"
#include "station/restore/asr.h"
#include "station/restore/baseband_data.h"
#include "station/restore/nor_data.h"
#include "station/restore/updaters.h"

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
  return channel.Send(One(key, Plist::Data(image)));
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
  STATION_TRY(answer,
              BuildNorData(context.components, request.arguments["FlashVersion1"].Present()));
  return channel.Send(answer);
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

// Names in the identity whose Info carries `flag`; the three forms in which firmware lists are
// asked for (6.7).
Status FlaggedImages(const std::string& flag, const std::string& list_key,
                     const std::string& data_key, const DataRequest& request,
                     const ProviderContext& context, AnswerChannel& channel) {
  std::vector<std::string> names;
  for (const firmware::Component& component : context.components.Identity().Components())
    if (component.Flag(flag) && component.Path()) names.push_back(component.Name());
  if (request.arguments[list_key].Bool().value_or(false) ||
      request.arguments["ImageList"].Bool().value_or(false)) {
    Plist list = Plist::Array();
    for (const std::string& name : names) list.Append(Plist::String(name));
    return channel.Send(One(list_key, std::move(list)));
  }
  if (const auto wanted = request.arguments["ImageName"].String()) {
    Plist answer = One("ImageName", Plist::String(*wanted));
    if (std::ranges::find(names, *wanted) != names.end()) {
      STATION_TRY(image, context.components.Personalised(*wanted));
      answer.Set(data_key, Plist::Data(image));
    }
    return channel.Send(answer);
  }
  Plist all = Plist::Dict();
  for (const std::string& name : names) {
    STATION_TRY(image, context.components.Personalised(name));
    all.Set(name, Plist::Data(image));
  }
  return channel.Send(One(data_key, std::move(all)));
}

Status FudData(const DataRequest& request, const ProviderContext& context, AnswerChannel& channel) {
  return FlaggedImages("IsFUDFirmware", "FUDImageList", "FUDImageData", request, context, channel);
}
Status EanData(const DataRequest& request, const ProviderContext& context, AnswerChannel& channel) {
  return FlaggedImages("IsEarlyAccessFirmware", "EANImageList", "EANData", request, context,
                       channel);
}
Status PersonalizedData(const DataRequest& request, const ProviderContext& context,
                        AnswerChannel& channel) {
  const auto flag = request.arguments["ImageType"].String();
  if (!flag) return Fail(ErrorCode::kRestoreDialogue, "PersonalizedData without ImageType");
  return FlaggedImages(*flag, "ImageList", "ImageData", request, context, channel);
}

Status BuildIdentity(const DataRequest& request, const ProviderContext& context,
                     AnswerChannel& channel) {
  Plist answer = One("BuildIdentityDict", Plist::Copy(context.components.Identity().Node()));
  answer.Set("Variant", Plist::String(request.arguments["Variant"].String().value_or("Erase")));
  return channel.Send(answer);
}
Status ReceiptManifest(const DataRequest&, const ProviderContext& context, AnswerChannel& channel) {
  return channel.Send(
      One("ReceiptManifest", Plist::Copy(context.components.Identity().Node()["Manifest"])));
}

// Boot objects go in pieces of 8192 bytes, each its own message.
Status SendFile(std::span<const std::uint8_t> bytes, AnswerChannel& channel) {
  constexpr std::size_t kPiece = 8192;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece)
    STATION_CHECK(channel.Send(
        One("FileData", Plist::Data(bytes.subspan(at, std::min(kPiece, bytes.size() - at))))));
  return channel.Send(One("FileDataDone", Plist::Bool(true)));
}

Result<std::vector<std::uint8_t>> BootObject(const std::string& name, bool personalised,
                                             const ProviderContext& context) {
  constexpr std::array<std::pair<std::string_view, const char*>, 3> kFiles{
      {{"__GlobalManifest__", "BuildManifest.plist"},
       {"__RestoreVersion__", "RestoreVersion.plist"},
       {"__SystemVersion__", "SystemVersion.plist"}}};
  for (const auto& [object, file] : kFiles)
    if (name == object) return context.components.Reader().Read(file);
  return personalised ? context.components.Personalised(name) : context.components.Unchanged(name);
}

Status PersonalisedBootObject(const DataRequest& request, const ProviderContext& context,
                              AnswerChannel& channel) {
  STATION_TRY(object,
              BootObject(request.arguments["ImageName"].String().value_or(""), true, context));
  return SendFile(object, channel);
}
Status SourceBootObject(const DataRequest& request, const ProviderContext& context,
                        AnswerChannel& channel) {
  STATION_TRY(object,
              BootObject(request.arguments["ImageName"].String().value_or(""), false, context));
  return SendFile(object, channel);
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
