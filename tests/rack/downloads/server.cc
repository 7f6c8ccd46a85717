#include "tests/rack/downloads/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Status;

constexpr int kBacklog = 128;
constexpr std::size_t kPiece = 256U << 10U;
constexpr std::chrono::hours kForEverAlmost{24};
constexpr std::string_view kFiles = "/files/";
constexpr std::string_view kMoved = "/moved/";
constexpr std::string_view kIpswMeDevice = "/v4/device/";

Status HashFile(PublishedFile& file) {
  STATION_TRY(fd, station::OpenForReading(file.path));
  STATION_TRY(size, station::FileSize(fd));
  Hasher sha1(HashKind::kSha1);
  Hasher sha256(HashKind::kSha256);
  Bytes piece(kPiece);
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    const auto part = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - at)));
    STATION_CHECK(station::ReadAt(fd, at, part));
    sha1.Add(part);
    sha256.Add(part);
  }
  file.size = size;
  file.sha1 = station::ToHex(sha1.Finish());
  file.sha256 = station::ToHex(sha256.Finish());
  return {};
}

// "bytes=5-9" and "bytes=5-"; anything else counts as none.
std::optional<std::pair<std::uint64_t, std::uint64_t>> RangeIn(const std::string& field,
                                                               std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const std::size_t dash = field.find('-');
  if (!field.starts_with(kUnit) || dash == std::string::npos || dash == kUnit.size())
    return std::nullopt;
  const std::uint64_t first = std::strtoull(field.c_str() + kUnit.size(), nullptr, 10);
  const std::string end = field.substr(dash + 1);
  const std::uint64_t last = end.empty() ? size - 1 : std::strtoull(end.c_str(), nullptr, 10);
  if (first >= size || last < first) return std::nullopt;
  return std::pair(first, std::min(last, size - 1));
}

std::string Spoilt(std::string hex) {
  if (!hex.empty()) hex.front() = hex.front() == '0' ? '1' : '0';
  return hex;
}

std::string ETagOf(const PublishedFile& file, bool new_version) {
  return fmt::format("\"{}{}\"", file.sha1.substr(0, 16), new_version ? "-2" : "");
}

struct FaultRow {
  FaultLine line;
  bool (*set)(DownloadFaults& faults, const std::string& argument);
};

template <auto Field>
bool SetNumber(DownloadFaults& faults, const std::string& argument) {
  if (argument.empty() || argument.find_first_not_of("0123456789") != std::string::npos)
    return false;
  using Member = std::remove_reference_t<decltype(faults.*Field)>;
  if constexpr (std::is_same_v<Member, int>)
    faults.*Field = static_cast<int>(std::strtol(argument.c_str(), nullptr, 10));
  else
    faults.*Field = std::strtoull(argument.c_str(), nullptr, 10);
  return true;
}

template <auto Field>
bool SetFlag(DownloadFaults& faults, const std::string& argument) {
  faults.*Field = argument != "off";
  return argument.empty() || argument == "on" || argument == "off";
}

constexpr FaultLine kNone = {"none", "clears them all"};
constexpr const char* kSwitchedOff = "switched off, or none";
constexpr auto kFaults = std::to_array<FaultRow>({
    {{"http-503 COUNT", "so many answers are 503"}, SetNumber<&DownloadFaults::unavailable>},
    {{"break-at BYTE", "the connection closes at this byte of a file", "it happened"},
     SetNumber<&DownloadFaults::break_at>},
    {{"stall-at BYTE", "nothing more comes from this byte of a file on", "it happened"},
     SetNumber<&DownloadFaults::stall_at>},
    {{"flip-at BYTE", "one bit of that byte of every file is wrong", "none"},
     SetNumber<&DownloadFaults::flip_at>},
    {{"rate BYTES", "so many a second for each connection", "rate 0"},
     SetNumber<&DownloadFaults::bytes_per_second>},
    {{"no-ranges [on|off]", "every answer begins at the beginning", kSwitchedOff},
     SetFlag<&DownloadFaults::no_ranges>},
    {{"no-length [on|off]", "the length is not said", kSwitchedOff},
     SetFlag<&DownloadFaults::no_length>},
    {{"missing [on|off]", "files are 404", kSwitchedOff}, SetFlag<&DownloadFaults::missing>},
    {{"forbidden [on|off]", "files are 403", kSwitchedOff}, SetFlag<&DownloadFaults::forbidden>},
    {{"new-version [on|off]", "ETag and date are others", kSwitchedOff},
     SetFlag<&DownloadFaults::new_version>},
    {{"wrong-hash [on|off]", "catalogues give hashes that are not the files'", kSwitchedOff},
     SetFlag<&DownloadFaults::wrong_hash>},
    {{"wrong-size [on|off]", "catalogues give sizes that are not the files'", kSwitchedOff},
     SetFlag<&DownloadFaults::wrong_size>},
    {{"disagree [on|off]", "the two catalogues differ", kSwitchedOff},
     SetFlag<&DownloadFaults::disagree>},
    {{"garbage [on|off]", "catalogues make no sense", kSwitchedOff},
     SetFlag<&DownloadFaults::garbage>},
    {{"redirect [on|off]", "files are elsewhere", kSwitchedOff},
     SetFlag<&DownloadFaults::redirect>},
});

}  // namespace

std::vector<FaultLine> DownloadFaultLines() {
  std::vector<FaultLine> lines;
  for (const FaultRow& row : kFaults) lines.push_back(row.line);
  lines.push_back(kNone);
  return lines;
}

station::Result<std::unique_ptr<DownloadServer>> DownloadServer::Start() {
  STATION_TRY(listener, ListenLoopback(0, kBacklog));
  return std::unique_ptr<DownloadServer>(new DownloadServer(std::move(listener)));
}

DownloadServer::DownloadServer(TcpListener listener) : port_(listener.port) {
  server_ = std::make_unique<SocketServer>(
      std::move(listener.fd), [this](const std::shared_ptr<Stream>& stream) { Serve(*stream); });
}

Status DownloadServer::Publish(PublishedFile file) {
  STATION_CHECK(HashFile(file));
  const std::lock_guard lock(mutex_);
  files_[file.path.filename()] = std::move(file);
  return {};
}

Status DownloadServer::SetFault(const std::vector<std::string>& words) {
  const std::lock_guard lock(mutex_);
  if (words.size() == 1 && words[0] == "none") {
    faults_ = DownloadFaults();
    return {};
  }
  const auto row = std::ranges::find_if(kFaults, [&](const FaultRow& candidate) {
    return !words.empty() && candidate.line.Name() == words[0];
  });
  if (row != kFaults.end() && words.size() <= 2 &&
      row->set(faults_, words.size() == 2 ? words[1] : ""))
    return {};
  std::string known = "download faults are:";
  for (const FaultLine& line : DownloadFaultLines()) known += fmt::format(" {};", line.usage);
  return Fail(ErrorCode::kBadRequest, known);
}

DownloadFaults DownloadServer::Faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

bool DownloadServer::TakeUnavailable() {
  const std::lock_guard lock(mutex_);
  if (faults_.unavailable <= 0) return false;
  --faults_.unavailable;
  return true;
}

void DownloadServer::Serve(Stream& stream) {
  const auto request = ReadHttpRequest(stream);
  if (!request) return;
  const std::string path(PathOf(request->target));
  spdlog::info("downloads target={} range=\"{}\"", request->target, request->Field("range"));
  if (TakeUnavailable()) return void(stream.Write(HttpAnswer("503 Service Unavailable", "busy\n")));
  if (path == "/version.plist") return void(stream.Write(HttpAnswer("200 OK", VendorList())));
  if (path.starts_with(kIpswMeDevice))
    return void(stream.Write(HttpAnswer("200 OK", IpswMe(path.substr(kIpswMeDevice.size())))));
  const DownloadFaults faults = Faults();
  if (path.starts_with(kFiles) && faults.redirect)
    return void(stream.Write(HttpAnswer(
        "302 Found", "",
        fmt::format("Location: {}{}{}\r\n", BaseUrl(), kMoved, path.substr(kFiles.size())))));
  std::optional<PublishedFile> file;
  if (path.starts_with(kFiles) || path.starts_with(kMoved)) {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path.substr(kFiles.size()));
    if (found != files_.end()) file = found->second;
  }
  if (!file || faults.missing) return void(stream.Write(HttpAnswer("404 Not Found", "none\n")));
  if (faults.forbidden) return void(stream.Write(HttpAnswer("403 Forbidden", "no\n")));
  SendFile(stream, *request, *file);
}

void DownloadServer::SendFile(Stream& stream, const HttpRequest& request,
                              const PublishedFile& file) {
  const DownloadFaults faults = Faults();
  const std::string etag = ETagOf(file, faults.new_version);
  const std::string same = request.Field("if-range");
  auto range = RangeIn(request.Field("range"), file.size);
  if (faults.no_ranges || (!same.empty() && same != etag)) range.reset();
  const std::uint64_t first = range ? range->first : 0;
  const std::uint64_t last = range ? range->second : file.size - 1;
  std::string head = fmt::format("HTTP/1.1 {}\r\nETag: {}\r\nConnection: close\r\n",
                                 range ? "206 Partial Content" : "200 OK", etag);
  if (range) head += fmt::format("Content-Range: bytes {}-{}/{}\r\n", first, last, file.size);
  if (!faults.no_length) head += fmt::format("Content-Length: {}\r\n", last - first + 1);
  if (!stream.Write(head + "\r\n")) return;
  if (last > first) ++requests_;
  SendBody(stream, file, first, last);
}

void DownloadServer::SendBody(Stream& stream, const PublishedFile& file, std::uint64_t first,
                              std::uint64_t last) {
  const auto fd = station::OpenForReading(file.path);
  if (!fd) return;
  Bytes piece(kPiece);
  const auto started = std::chrono::steady_clock::now();
  for (std::uint64_t at = first; at <= last;) {
    const DownloadFaults faults = Faults();
    std::uint64_t count = std::min<std::uint64_t>(kPiece, last + 1 - at);
    const auto cut = [&](const std::optional<std::uint64_t>& limit) {
      if (limit && *limit >= at && *limit < at + count) count = *limit - at;
      return limit && *limit == at;
    };
    if (last > first && cut(faults.break_at)) {
      const std::lock_guard lock(mutex_);
      return faults_.break_at.reset();
    }
    if (last > first && cut(faults.stall_at)) {
      {
        const std::lock_guard lock(mutex_);
        faults_.stall_at.reset();
      }
      std::array<std::uint8_t, 1> nothing;
      return void(stream.ReadSome(nothing, kForEverAlmost));
    }
    const auto part = std::span(piece).first(static_cast<std::size_t>(count));
    if (!station::ReadAt(*fd, at, part)) return;
    if (faults.flip_at && *faults.flip_at >= at && *faults.flip_at < at + count)
      part[*faults.flip_at - at] ^= 0x04U;
    if (!stream.Write(part)) return;
    sent_ += count;
    at += count;
    if (faults.bytes_per_second == 0) continue;
    const std::chrono::duration<double> due(static_cast<double>(at - first) /
                                            static_cast<double>(faults.bytes_per_second));
    const auto early = due - (std::chrono::steady_clock::now() - started);
    std::array<std::uint8_t, 1> nothing;  // a read that finds nothing is a pause the client can end
    if (early.count() > 0)
      (void)stream.ReadSome(nothing, std::chrono::duration_cast<std::chrono::milliseconds>(early));
  }
}

std::string DownloadServer::IpswMe(const std::string& product) const {
  const std::lock_guard lock(mutex_);
  if (faults_.garbage) return "<html>the list moved</html>";
  std::string list;
  for (const auto& [name, file] : files_) {
    if (std::ranges::find(file.products, product) == file.products.end()) continue;
    const bool spoil = faults_.wrong_hash || faults_.disagree;
    list += fmt::format(
        R"({}{{"identifier":"{}","version":"{}","buildid":"{}","sha1sum":"{}","md5sum":"","sha256sum":"{}","filesize":{},"url":"{}","releasedate":"2026-01-01T00:00:00Z","uploaddate":"2026-01-01T00:00:00Z","signed":true}})",
        list.empty() ? "" : ",", product, file.version, file.build,
        spoil ? Spoilt(file.sha1) : file.sha1, spoil ? Spoilt(file.sha256) : file.sha256,
        file.size + (faults_.wrong_size ? 1 : 0), UrlOf(name));
  }
  return fmt::format(R"({{"name":"{0}","identifier":"{0}","boards":[],"firmwares":[{1}]}})",
                     product, list);
}

// MobileDeviceSoftwareVersionsByVersion -> list version -> MobileDeviceSoftwareVersions -> product
// -> build -> Restore; "Unknown" -> Universal comes beside the builds in the real one.
std::string DownloadServer::VendorList() const {
  const std::lock_guard lock(mutex_);
  if (faults_.garbage) return "<html>the list moved</html>";
  Value products = Value::Dict{};
  for (const auto& [name, file] : files_)
    for (const std::string& product : file.products) {
      Value builds = products.Find(product) != nullptr ? *products.Find(product) : Value();
      builds.Set(
          file.build,
          Value::Dict{{"Restore", Value::Dict{{"BuildVersion", file.build},
                                              {"DocumentationURL", ""},
                                              {"FirmwareSHA1",
                                               faults_.wrong_hash ? Spoilt(file.sha1) : file.sha1},
                                              {"FirmwareURL", UrlOf(name)},
                                              {"ProductVersion", file.version}}}});
      products.Set(product, std::move(builds));
    }
  const Value list = Value::Dict{
      {"MobileDeviceSoftwareVersionsByVersion",
       Value::Dict{{"1", Value::Dict{{"MobileDeviceSoftwareVersions", std::move(products)}}}}}};
  return list.ToXml();
}

}  // namespace rack
