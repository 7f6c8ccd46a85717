#pragma once
// A file on a server, or on several that hold the same: which of them answers, how long it is, and
// any range of it.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/fetcher/http_get.h"
#include "station/firmware/zip_directory.h"

namespace station::fetcher {

// The same file in one place after the other. Tries again what may pass, then the next place.
class RemoteFile : public firmware::ByteSource {
 public:
  struct Wish {
    std::vector<std::string> urls;      // the first that works is used
    std::optional<std::uint64_t> size;  // what a catalogue says
    bool content_known = false;  // a hash will tell: then another place may go on in the middle
    HttpOptions http;
    // Waits between tries; false gives up.
    std::function<bool(std::chrono::milliseconds)> pause;
  };
  // Asks the first place that answers for one byte: learns size, ranges, and what tells this
  // version from another. kFirmwareDownload, kFirmwareSizeMismatch, kCancelled.
  [[nodiscard]] static Result<RemoteFile> Find(Wish wish);

  [[nodiscard]] std::uint64_t Size() const override { return size_; }
  // Servers that cannot serve ranges are read from the beginning only.
  [[nodiscard]] bool Ranges() const { return ranges_; }
  // What If-Range takes; empty when the server gives nothing to go by.
  [[nodiscard]] const std::string& Version() const { return version_; }
  [[nodiscard]] const std::string& Url() const { return wish_.urls[at_]; }
  [[nodiscard]] Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  // A body that begins at `first` and goes to the end. Moves on to the next place when this one
  // fails for good.
  [[nodiscard]] Result<HttpGet> From(std::uint64_t first);
  // After a body broke off: waits a little, longer each time nothing came in between.
  [[nodiscard]] Status AfterBreak(Error why, bool something_came);
  // Bytes that came over the network so far, of ranges too.
  void Count(std::uint64_t bytes) const { received_ += bytes; }
  [[nodiscard]] std::uint64_t Received() const { return received_; }

 private:
  explicit RemoteFile(Wish wish) : wish_(std::move(wish)) {}
  [[nodiscard]] Status Ask();
  [[nodiscard]] Status NextPlace(Error why);

  Wish wish_;
  std::size_t at_ = 0;  // in urls
  int tries_ = 0;       // since something came
  std::uint64_t size_ = 0;
  bool ranges_ = false;
  std::string version_;
  mutable std::uint64_t received_ = 0;
  // Reads around a central directory come in small pieces: the last block is kept.
  mutable std::uint64_t block_offset_ = 0;
  mutable std::vector<std::uint8_t> block_;
};

}  // namespace station::fetcher
