#pragma once
// Firmware over HTTP as the outside world offers it: files with ranges, the ipsw.me v4 catalogue
// and the vendor's version list, and what can go wrong with each.
//
//   /files/NAME                  a published file
//   /v4/device/PRODUCT           ipsw.me's answer for a product
//   /version.plist               the vendor's list of all versions

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/model/fault_line.h"
#include "tests/rack/wire/http.h"
#include "tests/rack/wire/server.h"

namespace rack {

struct PublishedFile {
  std::filesystem::path path;
  std::string build;
  std::string version;
  std::vector<std::string> products;
  // Of the file, hexadecimal; made when it is published.
  std::string sha1;
  std::string sha256;
  std::uint64_t size = 0;
};

struct DownloadFaults {
  int unavailable = 0;                    // so many answers are HTTP 503
  std::optional<std::uint64_t> break_at;  // a file's body ends at this byte of the file; once
  std::optional<std::uint64_t> stall_at;  // nothing more comes from this byte of the file on; once
  std::optional<std::uint64_t> flip_at;   // one bit of that byte is wrong
  std::uint64_t bytes_per_second = 0;     // 0: as fast as it goes
  bool no_ranges = false;                 // every answer begins at the beginning
  bool no_length = false;                 // Content-Length is left out
  bool missing = false;                   // files are 404
  bool forbidden = false;                 // files are 403
  bool new_version = false;               // ETag and date changed
  bool wrong_hash = false;                // the catalogues' hashes are not the files'
  bool wrong_size = false;                // the catalogues' sizes are not the files'
  bool disagree = false;                  // ipsw.me and the vendor's list differ
  bool garbage = false;                   // catalogues are no JSON and no property list
  bool redirect = false;                  // files are elsewhere on this server
};

class DownloadServer {
 public:
  [[nodiscard]] static station::Result<std::unique_ptr<DownloadServer>> Start();
  [[nodiscard]] std::string BaseUrl() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Hashes the file and offers it as /files/<its file name>. kIo.
  [[nodiscard]] station::Status Publish(PublishedFile file);
  [[nodiscard]] std::string UrlOf(const std::string& file_name) const {
    return BaseUrl() + "/files/" + file_name;
  }
  // Words as the fault command takes them: {"break-at", "1000"}; {"none"}. kBadRequest.
  [[nodiscard]] station::Status SetFault(const std::vector<std::string>& words);
  // Body bytes of files sent so far, whoever got them.
  [[nodiscard]] std::uint64_t FileBytesSent() const { return sent_; }
  // GETs for files that were not for a single byte.
  [[nodiscard]] std::uint64_t FileRequests() const { return requests_; }

 private:
  explicit DownloadServer(TcpListener listener);
  void Serve(Stream& stream);
  void SendFile(Stream& stream, const HttpRequest& request, const PublishedFile& file);
  void SendBody(Stream& stream, const PublishedFile& file, std::uint64_t first, std::uint64_t last);
  [[nodiscard]] std::string IpswMe(const std::string& product) const;
  [[nodiscard]] std::string VendorList() const;
  [[nodiscard]] DownloadFaults Faults() const;
  [[nodiscard]] bool TakeUnavailable();

  std::uint16_t port_;
  mutable std::mutex mutex_;
  DownloadFaults faults_;
  std::map<std::string, PublishedFile> files_;  // by file name
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::unique_ptr<SocketServer> server_;  // last: its threads use the rest
};

// The faults SetFault knows, for people.
[[nodiscard]] std::vector<FaultLine> DownloadFaultLines();

}  // namespace rack
