#include "station/fetcher/remote_file.h"

#include <algorithm>
#include <cstring>

#include "station/base/log.h"

namespace station::fetcher {
namespace {

constexpr int kTriesEachPlace = 5;  // without a byte in between
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{15000};
constexpr std::uint64_t kBlock = 4U << 10U;  // a local header of a zip and what lies around it

bool MayPass(ErrorCode code) { return code == ErrorCode::kFirmwareDownload; }

}  // namespace

Result<RemoteFile> RemoteFile::Find(Wish wish) {
  if (wish.urls.empty()) return Fail(ErrorCode::kBadRequest, "no address to download from");
  for (const std::string& url : wish.urls) STATION_CHECK(CheckUrl(url, wish.content_known));
  RemoteFile file(std::move(wish));
  while (true) {
    auto asked = file.Ask();
    if (asked) return file;
    STATION_CHECK(file.AfterBreak(std::move(asked).error(), false));
  }
}

// One byte's range tells everything: a server that cannot do ranges answers 200 with the length.
Status RemoteFile::Ask() {
  STATION_TRY(get, HttpGet::Open(Url(), HttpGet::Range{0, 0, ""}, wish_.http));
  const HttpAnswer& answer = get.Answer();
  if (answer.total == 0)
    return Fail(ErrorCode::kFirmwareDownload, Url() + ": the server does not say how long it is");
  if (wish_.size && *wish_.size != answer.total)
    return Fail(ErrorCode::kFirmwareSizeMismatch, Url() + " has " + std::to_string(answer.total) +
                                                      " bytes instead of " +
                                                      std::to_string(*wish_.size));
  if (size_ != 0 && size_ != answer.total)
    return Fail(ErrorCode::kFirmwareSizeMismatch, Url() + " has another size than the first place");
  size_ = answer.total;
  ranges_ = answer.status == 206;
  version_ =
      answer.etag.starts_with("W/") || answer.etag.empty() ? answer.last_modified : answer.etag;
  block_.clear();
  return {};
}

Status RemoteFile::AfterBreak(Error why, bool something_came) {
  if (something_came) tries_ = 0;
  if (!MayPass(why.code) || ++tries_ >= kTriesEachPlace) return NextPlace(std::move(why));
  LogError(LogLevel::kWarning, "download: trying again", why, {{"try", std::to_string(tries_)}});
  if (!wish_.pause(std::min(kFirstPause * (1 << (tries_ - 1)), kLongestPause)))
    return Fail(ErrorCode::kCancelled, "the download was stopped");
  return {};
}

Status RemoteFile::NextPlace(Error why) {
  if (why.code == ErrorCode::kNotFound) why.code = ErrorCode::kFirmwareDownload;
  if (why.code == ErrorCode::kCancelled || at_ + 1 >= wish_.urls.size())
    return std::unexpected(std::move(why));
  LogError(LogLevel::kWarning, "download: taking the next place", why);
  ++at_;
  tries_ = 0;
  if (size_ == 0) return {};
  const std::string before = version_;
  STATION_CHECK(Ask());
  if (wish_.content_known || version_ == before) return {};
  return Fail(ErrorCode::kFirmwareDownload,
              Url() + " may hold another file than the first place, and no hash is known");
}

Status RemoteFile::ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    return Fail(ErrorCode::kFirmwareMalformed, Url() + " ends before what it announces");
  while (!out.empty()) {
    if (offset < block_offset_ || offset >= block_offset_ + block_.size()) {
      const std::uint64_t first = offset / kBlock * kBlock;
      const std::uint64_t wanted =
          std::min(size_ - first, std::max<std::uint64_t>(kBlock, offset - first + out.size()));
      STATION_TRY(get, HttpGet::Open(Url(), HttpGet::Range{first, first + wanted - 1, version_},
                                     wish_.http));
      if (get.Answer().status != 206 || get.Answer().first != first)
        return Fail(ErrorCode::kFirmwareDownload, Url() + " changed, or serves no ranges");
      STATION_TRY(body, get.ReadAll(wanted));
      Count(body.size());
      if (body.size() != wanted)
        return Fail(ErrorCode::kFirmwareDownload, Url() + ": the range broke off");
      block_.assign(body.begin(), body.end());
      block_offset_ = first;
    }
    const std::size_t from = offset - block_offset_;
    const std::size_t count = std::min(out.size(), block_.size() - from);
    std::memcpy(out.data(), block_.data() + from, count);
    out = out.subspan(count);
    offset += count;
  }
  return {};
}

Result<HttpGet> RemoteFile::From(std::uint64_t first) {
  while (true) {
    std::optional<HttpGet::Range> range;
    if (first > 0) range = HttpGet::Range{first, std::nullopt, version_};
    auto get = HttpGet::Open(Url(), range, wish_.http);
    if (get && get->Answer().total != 0 && get->Answer().total != size_)
      get = Fail(ErrorCode::kFirmwareDownload, Url() + " changed while it was downloaded");
    if (get && first > 0 && (get->Answer().status != 206 || get->Answer().first != first))
      get = Fail(ErrorCode::kFirmwareDownload, Url() + " changed, or serves no ranges any more");
    if (get || get.error().code == ErrorCode::kCancelled) return get;
    STATION_CHECK(AfterBreak(std::move(get).error(), false));
  }
}

}  // namespace station::fetcher
