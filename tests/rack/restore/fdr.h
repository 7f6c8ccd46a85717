#pragma once
// The FDR reverse proxy's port: the phone asks its host for connections to the outside. The rack's
// phones need none; they hold the control connection open, as real ones do, and make one Ping round
// over it.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "tests/rack/model/attachment.h"

namespace rack {

inline constexpr std::uint16_t kFdrPort = 1082;

class FdrControl {
 public:
  FdrControl(Attachment& attachment, std::string udid)
      : attachment_(attachment), udid_(std::move(udid)) {}

  // The control connection, until either side closes it.
  void Serve(const std::shared_ptr<Stream>& stream);
  // One proxied connection: answers its greeting, pings, closes. Nothing happens when no host has
  // connected.
  void Ping();
  // Ends the control connection; clients wait for it some time after the final status.
  void Close();

 private:
  [[nodiscard]] std::shared_ptr<Stream> Control();

  Attachment& attachment_;
  const std::string udid_;
  std::mutex mutex_;
  std::shared_ptr<Stream> control_;  // shared with the thread that serves it
};

}  // namespace rack
