#include "station/restore/url_fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "station/restore/host_policy.h"

namespace station::restore {
namespace {

constexpr std::size_t kLargestBody = 64U << 20U;
constexpr std::size_t kMostHeaders = 200;
constexpr int kAttempts = 3;
constexpr int kMostRedirects = 5;

struct FreeCurl {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
  void operator()(char* text) const noexcept { curl_free(text); }
};

std::size_t OnBody(char* bytes, std::size_t size, std::size_t count, void* out) noexcept {
  auto& body = static_cast<UrlAnswer*>(out)->body;
  if (body.size() + size * count > kLargestBody) return 0;
  body.append(bytes, size * count);
  return size * count;
}

std::size_t OnHeader(char* bytes, std::size_t size, std::size_t count, void* out) noexcept {
  auto& headers = static_cast<UrlAnswer*>(out)->headers;
  std::string_view line(bytes, size * count);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && headers.size() < kMostHeaders) {
    std::string_view value = line.substr(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    headers[std::string(line.substr(0, colon))] = value;
  }
  return size * count;
}

int OnProgress(void* control, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<JobControl*>(control)->KeepGoing() ? 0 : 1;
}

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, FreeCurl> guard(text);
  return text;
}

// What is logged of a URL: never its query.
std::string HostOf(const std::string& url) {
  const std::unique_ptr<CURLU, FreeCurl> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "a broken URL";
  return UrlPart(parsed.get(), CURLUPART_HOST);
}

Status CheckAllowed(const std::string& url, const UrlPolicy& policy) {
  const std::unique_ptr<CURLU, FreeCurl> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return Fail(ErrorCode::kAssetUnreachable, "the phone asks for a broken URL");
  const std::string host = UrlPart(parsed.get(), CURLUPART_HOST);
  const std::string scheme = UrlPart(parsed.get(), CURLUPART_SCHEME);
  const bool further = std::ranges::find(policy.further_hosts, host) != policy.further_hosts.end();
  if (MayReach(host, policy.further_hosts) && (scheme == "https" || (further && scheme == "http")))
    return {};
  return Fail(ErrorCode::kAssetUnreachable,
              "the phone may not reach " + scheme + "://" + host.substr(0, 100));
}

std::unique_ptr<curl_slist, FreeCurl> HeaderList(const UrlRequest& request) {
  std::unique_ptr<curl_slist, FreeCurl> list;
  const auto add = [&](const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
  };
  for (const auto& [name, value] : request.headers) add(name + ": " + value);
  add("Expect:");
  return list;
}

// One request, no redirection followed.
Result<UrlAnswer> Once(const UrlRequest& request, const UrlPolicy& policy, JobControl& control) {
  STATION_CHECK(CheckAllowed(request.url, policy));
  const std::unique_ptr<CURL, FreeCurl> curl(curl_easy_init());
  const auto headers = HeaderList(request);
  CURL* handle = curl.get();
  UrlAnswer answer;
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  if (request.post) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &control);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, 120L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!policy.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, policy.ca_file.c_str());
  const CURLcode result = curl_easy_perform(handle);
  STATION_CHECK(control.KeepGoing());
  if (result != CURLE_OK)
    return Fail(ErrorCode::kAssetUnreachable,
                HostOf(request.url) + ": " + curl_easy_strerror(result));
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
  char* next = nullptr;
  curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &next);
  if (next != nullptr) answer.headers["Location"] = next;
  return answer;
}

Result<UrlAnswer> FollowRedirects(UrlRequest request, const UrlPolicy& policy,
                                  JobControl& control) {
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    STATION_TRY(answer, Once(request, policy, control));
    const auto next = answer.headers.find("Location");
    if (answer.status < 300 || answer.status > 399 || next == answer.headers.end()) return answer;
    request.url = next->second;
    if (answer.status == 303) request.post = false;
  }
  return Fail(ErrorCode::kAssetUnreachable, HostOf(request.url) + ": redirected without end");
}

}  // namespace

Result<UrlAnswer> FetchUrl(const UrlRequest& request, const UrlPolicy& policy,
                           JobControl& control) {
  STATION_CHECK(CheckAllowed(request.url, policy));
  for (int attempt = 1;; ++attempt) {
    auto answer = FollowRedirects(request, policy, control);
    const bool overloaded = answer && answer->status >= 500;
    const bool failed = !answer && answer.error().code == ErrorCode::kAssetUnreachable;
    if ((!overloaded && !failed) || attempt == kAttempts) return answer;
    STATION_CHECK(control.Pause(std::chrono::seconds(attempt)));
  }
}

}  // namespace station::restore
