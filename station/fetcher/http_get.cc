#include "station/fetcher/http_get.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

namespace station::fetcher {
namespace {

constexpr std::size_t kHighWater = 2U << 20U;  // bytes waiting to be read before the socket rests
constexpr int kLookMilliseconds = 250;         // how often a stop is looked for
constexpr long kMostRedirects = 8;

struct CurlFree {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
struct MultiFree {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};

void InitialiseOnce() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

std::optional<std::uint64_t> AsNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

bool IsHeader(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         strncasecmp(line.data(), name.data(), name.size()) == 0;
}

// "bytes 100-199/1234"
void ReadContentRange(std::string_view value, HttpAnswer& answer) {
  constexpr std::string_view kUnit = "bytes ";
  const std::size_t dash = value.find('-');
  const std::size_t slash = value.find('/');
  if (!value.starts_with(kUnit) || dash == std::string_view::npos ||
      slash == std::string_view::npos)
    return;
  answer.first = AsNumber(value.substr(kUnit.size(), dash - kUnit.size())).value_or(0);
  answer.total = AsNumber(value.substr(slash + 1)).value_or(0);
}

}  // namespace

struct HttpGet::Transfer {
  std::string url;
  std::function<bool()> stop;
  std::unique_ptr<curl_slist, CurlFree> headers;
  std::unique_ptr<CURL, CurlFree> easy;
  std::unique_ptr<CURLM, MultiFree> multi;
  HttpAnswer answer;
  bool header_complete = false;
  bool paused = false;
  bool done = false;
  CURLcode result = CURLE_OK;
  std::vector<std::uint8_t> waiting;
  std::size_t taken = 0;  // of `waiting`

  ~Transfer() {
    if (multi && easy) curl_multi_remove_handle(multi.get(), easy.get());
  }

  static std::size_t OnHeader(char* bytes, std::size_t size, std::size_t count,
                              void* self) noexcept {
    static_cast<Transfer*>(self)->TakeHeader(Trim({bytes, size * count}));
    return size * count;
  }

  static std::size_t OnBody(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.header_complete = true;
    if (transfer.waiting.size() - transfer.taken >= kHighWater) {
      transfer.paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    transfer.waiting.erase(
        transfer.waiting.begin(),
        transfer.waiting.begin() + static_cast<std::ptrdiff_t>(std::exchange(transfer.taken, 0)));
    transfer.waiting.insert(transfer.waiting.end(), bytes, bytes + size * count);
    return size * count;
  }

  void TakeHeader(std::string_view line) {
    if (line.starts_with("HTTP/")) answer = HttpAnswer();  // a redirect's headers do not count
    const std::string_view value = Trim(line.substr(std::min(line.find(':'), line.size() - 1) + 1));
    if (IsHeader(line, "ETag")) answer.etag = value;
    if (IsHeader(line, "Last-Modified")) answer.last_modified = value;
    if (IsHeader(line, "Content-Range")) ReadContentRange(value, answer);
    if (IsHeader(line, "Content-Length") && answer.total == 0)
      answer.total = AsNumber(value).value_or(0);
  }

  std::unexpected<Error> Failed(const std::string& why) const {
    return Fail(ErrorCode::kFirmwareDownload, url + ": " + why);
  }

  // Moves the transfer on by one look. True while there may be more.
  Status Move() {
    if (stop()) return Fail(ErrorCode::kCancelled, "the download was stopped");
    int running = 0;
    curl_multi_perform(multi.get(), &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left))
      if (message->msg == CURLMSG_DONE) {
        done = true;
        result = message->data.result;
      }
    if (!done && waiting.size() == taken)
      curl_multi_poll(multi.get(), nullptr, 0, kLookMilliseconds, nullptr);
    return {};
  }

  Status AwaitHeader() {
    while (!header_complete && !done) STATION_CHECK(Move());
    if (done && result != CURLE_OK) return Failed(curl_easy_strerror(result));
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    if (answer.status == 200 || answer.status == 206) return {};
    // What a server says of the request itself does not change by asking again.
    const bool final =
        answer.status >= 400 && answer.status < 500 && answer.status != 408 && answer.status != 429;
    Error error = Failed("the server answers " + std::to_string(answer.status)).error();
    if (final) error.code = ErrorCode::kNotFound;
    return std::unexpected(std::move(error));
  }
};

namespace {

void Set(CURL* easy, const std::string& url, const std::optional<HttpGet::Range>& range,
         const HttpOptions& options) {
  const bool secure = url.starts_with("https:");
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
                   static_cast<long>(options.connect_patience.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(options.silence_patience.count()));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10U);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "fleet-reimaging-station");
  if (options.bytes_per_second != 0)
    curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE,
                     static_cast<curl_off_t>(options.bytes_per_second));
  if (!options.proxy.empty()) curl_easy_setopt(easy, CURLOPT_PROXY, options.proxy.c_str());
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!range) return;
  const std::string bytes =
      std::to_string(range->first) + "-" + (range->last ? std::to_string(*range->last) : "");
  curl_easy_setopt(easy, CURLOPT_RANGE, bytes.c_str());
}

}  // namespace

Result<HttpGet> HttpGet::Open(const std::string& url, const std::optional<Range>& range,
                              const HttpOptions& options) {
  InitialiseOnce();
  auto transfer = std::make_unique<Transfer>();
  transfer->url = url;
  transfer->stop = options.stop;
  transfer->easy.reset(curl_easy_init());
  transfer->multi.reset(curl_multi_init());
  if (!transfer->easy || !transfer->multi) return Fail(ErrorCode::kInternal, "no HTTP client");
  CURL* easy = transfer->easy.get();
  Set(easy, url, range, options);
  if (range && !range->if_same.empty()) {
    transfer->headers.reset(curl_slist_append(nullptr, ("If-Range: " + range->if_same).c_str()));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers.get());
  }
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_multi_add_handle(transfer->multi.get(), easy);
  STATION_CHECK(transfer->AwaitHeader());
  return HttpGet(std::move(transfer));
}

HttpGet::HttpGet(std::unique_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}
HttpGet::HttpGet(HttpGet&&) noexcept = default;
HttpGet& HttpGet::operator=(HttpGet&&) noexcept = default;
HttpGet::~HttpGet() = default;

const HttpAnswer& HttpGet::Answer() const { return transfer_->answer; }

Result<std::size_t> HttpGet::Read(std::span<std::uint8_t> out) {
  Transfer& transfer = *transfer_;
  while (transfer.waiting.size() == transfer.taken) {
    if (transfer.done && transfer.result == CURLE_OK) return 0;
    if (transfer.done) return transfer.Failed(curl_easy_strerror(transfer.result));
    if (std::exchange(transfer.paused, false)) curl_easy_pause(transfer.easy.get(), CURLPAUSE_CONT);
    STATION_CHECK(transfer.Move());
  }
  const std::size_t count = std::min(out.size(), transfer.waiting.size() - transfer.taken);
  std::memcpy(out.data(), transfer.waiting.data() + transfer.taken, count);
  transfer.taken += count;
  return count;
}

Result<std::string> HttpGet::ReadAll(std::uint64_t limit) {
  std::string body;
  std::vector<std::uint8_t> piece(64U << 10U);
  while (true) {
    STATION_TRY(count, Read(piece));
    if (count == 0) return body;
    if (body.size() + count > limit)
      return transfer_->Failed("the answer is longer than " + std::to_string(limit) + " bytes");
    body.append(reinterpret_cast<const char*>(piece.data()), count);
  }
}

Status CheckUrl(const std::string& url, bool hash_known) {
  InitialiseOnce();
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return Fail(ErrorCode::kBadRequest, "\"" + url + "\" is no address");
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, 0) != CURLUE_OK) return std::string();
    std::string copy = text;
    curl_free(text);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme == "https") return {};
  if (scheme != "http")
    return Fail(ErrorCode::kBadRequest, url + ": firmware comes over https or http");
  const std::string host = part(CURLUPART_HOST);
  if (hash_known || host == "localhost" || host.starts_with("127.") || host == "[::1]") return {};
  return Fail(ErrorCode::kBadRequest,
              url + ": over plain http a hash must be given, or anybody on the way can change it");
}

}  // namespace station::fetcher
