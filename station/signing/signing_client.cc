#include "station/signing/signing_client.h"

#include <curl/curl.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "station/base/ids.h"

namespace station::signing {
namespace {

constexpr std::size_t kLargestAnswer = 16U << 20U;
constexpr int kAttempts = 5;

struct CurlFree {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

std::size_t Collect(char* bytes, std::size_t size, std::size_t count, void* out) noexcept {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size * count > kLargestAnswer) return 0;
  body.append(bytes, size * count);
  return size * count;
}

std::string RandomUuid() {
  std::array<std::uint8_t, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string hex = ToHex(bytes);
  for (char& c : hex)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

// The text behind KEY= up to the next '&'.
std::string Field(const std::string& body, std::string_view key) {
  const std::size_t at = body.find(std::string(key) + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 1;
  return body.substr(begin, body.find('&', begin) - begin).substr(0, 200);
}

// Statuses told apart (5.6); any other is a plain refusal.
struct RefusalRow {
  int status;
  ErrorCode code;
};
constexpr auto kRefusals = std::to_array<RefusalRow>({
    {8, ErrorCode::kSigningBasebandRefused},
    {49, ErrorCode::kSigningBasebandRefused},
    {69, ErrorCode::kSigningNotSigned},
    {94, ErrorCode::kSigningNotSigned},
    {100, ErrorCode::kSigningMalformed},
    {126, ErrorCode::kSigningMalformed},
    {128, ErrorCode::kSigningDeclined},
    {511, ErrorCode::kSigningMalformed},
});

// The server has no status of its own for a nonce it does not like; its message may say so.
bool SpeaksOfNonce(std::string message) {
  for (char& c : message)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return message.find("nonce") != std::string::npos;
}

ErrorCode CodeOfRefusal(const std::string& status, const std::string& message) {
  if (SpeaksOfNonce(message)) return ErrorCode::kSigningNonceRefused;
  int number = -1;
  std::from_chars(status.data(), status.data() + status.size(), number);
  const auto* row = std::ranges::find(kRefusals, number, &RefusalRow::status);
  return row == kRefusals.end() ? ErrorCode::kSigningRefused : row->code;
}

// A server named without a path means the one every client uses.
std::string WithPath(std::string url) {
  const std::size_t host = url.find("://");
  if (host != std::string::npos && url.find('/', host + 3) == std::string::npos)
    url += "/TSS/controller?action=2";
  return url;
}

}  // namespace

SigningClient::SigningClient(SigningServer server, KeepGoing keep_going)
    : server_(std::move(server)), keep_going_(std::move(keep_going)) {
  server_.url = WithPath(std::move(server_.url));
}

Result<plist::Plist> SigningClient::Ask(plist::Plist request) const {
  // What the phone generated for itself stands.
  const auto identify = [&](const char* key, const std::string& value) {
    if (!request[key].Present()) request.Set(key, plist::Plist::String(value));
  };
  identify("@HostPlatformInfo", "mac");
  identify("@VersionInfo", "libauthinstall-1104.0.9");
  identify("@UUID", RandomUuid());
  const std::string body = request.ToXml();
  std::chrono::milliseconds pause{1000};
  for (int attempt = 1;; ++attempt) {
    auto answer = Post(body);
    if (answer) return ParseAnswer(*answer);
    const ErrorCode code = answer.error().code;
    const bool may_pass = code == ErrorCode::kSigningUnreachable || code == ErrorCode::kSigningBusy;
    if (!may_pass || attempt == kAttempts) return std::unexpected(answer.error());
    if (!keep_going_(pause))
      return Fail(ErrorCode::kCancelled, "cancelled while waiting for the signing server");
    pause *= 2;
  }
}

Result<std::string> SigningClient::Post(const std::string& body) const {
  const std::unique_ptr<CURL, CurlFree> curl(curl_easy_init());
  std::unique_ptr<curl_slist, CurlFree> headers;
  for (const char* header :
       {"Cache-Control: no-cache", "Content-type: text/xml; charset=\"utf-8\"", "Expect:"})
    headers.reset(curl_slist_append(headers.release(), header));
  std::string answer;
  std::array<char, CURL_ERROR_SIZE> reason{};
  CURL* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, server_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "InetURL/1.0");
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Collect);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!server_.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, server_.ca_file.c_str());
  const CURLcode result = curl_easy_perform(handle);
  long http_status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &http_status);
  if (result != CURLE_OK)
    return Fail(
        ErrorCode::kSigningUnreachable,
        server_.url + ": " + (reason[0] != '\0' ? reason.data() : curl_easy_strerror(result)));
  if (http_status >= 500 || http_status == 429)
    return Fail(ErrorCode::kSigningBusy, server_.url + ": HTTP " + std::to_string(http_status));
  if (http_status != 200)
    return Fail(ErrorCode::kSigningBadAnswer,
                server_.url + ": HTTP " + std::to_string(http_status));
  return answer;
}

Result<plist::Plist> ParseAnswer(const std::string& body) {
  const std::string status = Field(body, "STATUS");
  const std::string message = Field(body, "MESSAGE");
  if (message != "SUCCESS") {
    if (status.empty()) return Fail(ErrorCode::kSigningBadAnswer, "no status in the answer");
    return Fail(CodeOfRefusal(status, message), "status " + status + ": " + message);
  }
  const std::size_t begin = body.find("<?xml");
  if (begin == std::string::npos)
    return Fail(ErrorCode::kSigningBadAnswer, "success without a property list");
  auto answer = plist::Plist::Parse(std::string_view(body).substr(begin));
  if (!answer || !answer->Get().IsDict())
    return Fail(ErrorCode::kSigningBadAnswer, "the answer's property list is broken");
  return answer;
}

}  // namespace station::signing
