#pragma once
// One HTTP(S) GET whose body is pulled piece by piece; nothing is buffered beyond a few MiB. TLS is
// always verified, also after a redirect, which may not leave https once the address was https.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "station/base/result.h"

namespace station::fetcher {

struct HttpOptions {
  std::string proxy;                   // empty: what the environment says
  std::filesystem::path ca_file;       // PEM roots for https; empty: the system's
  std::uint64_t bytes_per_second = 0;  // 0: as fast as it comes
  std::chrono::seconds connect_patience{30};
  std::chrono::seconds silence_patience{60};  // without a byte
  std::function<bool()> stop = [] { return false; };
};

struct HttpAnswer {
  long status = 0;          // 200 or 206; anything else is an error
  std::uint64_t total = 0;  // size of the whole file, bytes; 0 when the server does not say
  std::uint64_t first = 0;  // of the body's first byte within the file
  std::string etag;         // as it came, quotes included; empty when there is none
  std::string last_modified;
};

class HttpGet {
 public:
  struct Range {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> last;  // inclusive; nothing: to the end
    std::string if_same;                // ETag or date the file must still have (If-Range)
  };
  // Returns when the header is there. kFirmwareDownload (another try may help), kNotFound (it will
  // not: 403, 404 and their like), kCancelled.
  [[nodiscard]] static Result<HttpGet> Open(const std::string& url,
                                            const std::optional<Range>& range,
                                            const HttpOptions& options);
  HttpGet(HttpGet&&) noexcept;
  HttpGet& operator=(HttpGet&&) noexcept;
  ~HttpGet();

  [[nodiscard]] const HttpAnswer& Answer() const;
  // At least one byte, or 0 at the end of the body. kFirmwareDownload when it breaks off.
  [[nodiscard]] Result<std::size_t> Read(std::span<std::uint8_t> out);
  // The whole body; kFirmwareDownload when it is longer than `limit` bytes.
  [[nodiscard]] Result<std::string> ReadAll(std::uint64_t limit);

 private:
  struct Transfer;
  explicit HttpGet(std::unique_ptr<Transfer> transfer);
  std::unique_ptr<Transfer> transfer_;
};

// A url this station takes: https, or http where a hash is known or the host is this machine.
// kBadRequest says what is wrong with it.
[[nodiscard]] Status CheckUrl(const std::string& url, bool hash_known);

}  // namespace station::fetcher
