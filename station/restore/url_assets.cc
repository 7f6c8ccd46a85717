#include "station/restore/url_assets.h"

#include "station/base/log.h"
#include "station/restore/url_fetch.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

std::span<const std::uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A line break in a header would make two of it.
bool Clean(const std::string& text) {
  return text.find_first_of("\r\n") == std::string::npos && text.size() < 8192;
}

// Data ports take binary property lists, the main connection XML.
Status Send(const UrlAnswer& answer, AnswerChannel& channel) {
  Plist headers = Plist::Dict();
  for (const auto& [name, value] : answer.headers) headers.Set(name, Plist::String(value));
  Plist message = Plist::Dict();
  message.Set("ResponseBody", Plist::Data(AsBytes(answer.body)))
      .Set("ResponseBodyDone", Plist::Bool(true));
  message.Set("ResponseHeaders", std::move(headers));
  message.Set("ResponseStatus", Plist::Integer(static_cast<std::uint64_t>(answer.status)));
  if (!channel.IsDataPort()) return channel.Send(message);
  const std::string binary = message.ToBinary();
  return channel.SendWritten(SourceOf(binary));
}

Status FetchAndSend(const UrlRequest& request, const ProviderContext& context,
                    AnswerChannel& channel) {
  const UrlPolicy policy{context.setup.further_hosts, context.setup.ca_file};
  STATION_TRY(answer, FetchUrl(request, policy, context.control));
  Log(answer.status == 200 ? LogLevel::kInfo : LogLevel::kWarning, "fetched for the phone",
      {{"status", std::to_string(answer.status)}, {"bytes", std::to_string(answer.body.size())}});
  return Send(answer, channel);
}

}  // namespace

Status ProvideUrlAsset(const DataRequest& request, const ProviderContext& context,
                       AnswerChannel& channel) {
  const auto url = request.arguments["RequestURL"].String();
  if (request.arguments["RequestMethod"].String() != "GET" || !url)
    return Fail(ErrorCode::kRestoreDialogue, "URLAsset without GET and URL");
  return FetchAndSend({*url, false, "", {}}, context, channel);
}

Status ProvideDecryptionKey(const DataRequest& request, const ProviderContext& context,
                            AnswerChannel& channel) {
  const View arguments = request.arguments;
  const auto url = arguments["RequestURL"].String();
  const auto body = arguments["RequestBody"].Data();
  const View headers = arguments["RequestAdditionalHeaders"];
  if (arguments["RequestMethod"].String() != "POST" || !url || !body || !headers.IsDict())
    return Fail(ErrorCode::kRestoreDialogue,
                "StreamedImageDecryptionKey without POST, URL, headers and body");
  UrlRequest post{*url, true, {body->begin(), body->end()}, {}};
  headers.ForEach([&](const std::string& name, View value) {
    const auto text = value.String();
    if (text && Clean(name) && Clean(*text)) post.headers.emplace_back(name, *text);
  });
  return FetchAndSend(post, context, channel);
}

}  // namespace station::restore
