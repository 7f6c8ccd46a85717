#include "station/restore/image_lists.h"

#include <algorithm>

#include "station/restore/streamed_list.h"

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
  if (request.arguments[keys.list].Bool().value_or(false)) {
    Plist answer = Plist::Dict();
    Plist list = Plist::Array();
    for (const std::string& name : names) list.Append(Plist::String(name));
    answer.Set(keys.list, std::move(list));
    return channel.Send(answer);
  }
  StreamedList images;
  const auto add = [&](const std::string& name) -> Status {
    STATION_TRY(image, context.components.Personalised(name));
    images.Data(std::move(image));
    return {};
  };
  if (const auto wanted = request.arguments["ImageName"].String()) {
    images.Key("ImageName").Text(*wanted);
    if (std::ranges::find(names, *wanted) != names.end()) {
      images.Key(keys.data);
      STATION_CHECK(add(*wanted));
    }
    return channel.SendWritten(images.Message());
  }
  images.Key(keys.data).BeginDict();
  for (const std::string& name : names) {
    images.Key(name);
    STATION_CHECK(add(name));
  }
  images.EndDict();
  return channel.SendWritten(images.Message());
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
