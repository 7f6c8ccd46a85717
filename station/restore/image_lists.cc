#include "station/restore/image_lists.h"

#include <algorithm>

namespace station::restore {
namespace {

using plist::Plist;

struct Keys {
  std::string flag;  // in the Info of a manifest entry
  const char* list;
  const char* data;
};

std::vector<std::string> Flagged(const std::string& flag, const firmware::Identity& identity) {
  std::vector<std::string> names;
  for (const firmware::Component& component : identity.Components())
    if (component.Flag(flag) && component.Path()) names.push_back(component.Name());
  return names;
}

Status Provide(const Keys& keys, const DataRequest& request, const ProviderContext& context,
               AnswerChannel& channel) {
  const std::vector<std::string> names = Flagged(keys.flag, context.components.Identity());
  Plist answer = Plist::Dict();
  if (request.arguments[keys.list].Bool().value_or(false)) {
    Plist list = Plist::Array();
    for (const std::string& name : names) list.Append(Plist::String(name));
    answer.Set(keys.list, std::move(list));
    return channel.Send(answer);
  }
  if (const auto wanted = request.arguments["ImageName"].String()) {
    answer.Set("ImageName", Plist::String(*wanted));
    if (std::ranges::find(names, *wanted) != names.end()) {
      STATION_TRY(image, context.components.Personalised(*wanted));
      answer.Set(keys.data, Plist::Data(image));
    }
    return channel.Send(answer);
  }
  Plist all = Plist::Dict();
  for (const std::string& name : names) {
    STATION_TRY(image, context.components.Personalised(name));
    all.Set(name, Plist::Data(image));
  }
  answer.Set(keys.data, std::move(all));
  return channel.Send(answer);
}

}  // namespace

Status ProvideFudData(const DataRequest& request, const ProviderContext& context,
                      AnswerChannel& channel) {
  return Provide({"IsFUDFirmware", "FUDImageList", "FUDImageData"}, request, context, channel);
}

Status ProvideEanData(const DataRequest& request, const ProviderContext& context,
                      AnswerChannel& channel) {
  return Provide({"IsEarlyAccessFirmware", "EANImageList", "EANData"}, request, context, channel);
}

Status ProvidePersonalizedData(const DataRequest& request, const ProviderContext& context,
                               AnswerChannel& channel) {
  const auto flag = request.arguments["ImageType"].String();
  if (!flag) return Fail(ErrorCode::kRestoreDialogue, "PersonalizedData without ImageType");
  return Provide({*flag, "ImageList", "ImageData"}, request, context, channel);
}

}  // namespace station::restore
