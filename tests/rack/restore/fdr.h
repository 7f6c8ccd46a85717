#pragma once
// The FDR reverse proxy's port: the phone asks its host for connections to the outside. What the
// rack's phones reach through it is a sink of their own on the loopback, so that a host has to
// carry bytes both ways without anything leaving the machine.

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/model/refusal.h"

namespace rack {

inline constexpr std::uint16_t kFdrPort = 1082;

class FdrControl {
 public:
  using Done = std::expected<void, Refusal>;

  FdrControl(const Phone& phone, Attachment& attachment) : phone_(phone), attachment_(attachment) {}

  // The control connection, until either side closes it.
  void Serve(const std::shared_ptr<Stream>& stream);
  // Whether a host holds a control connection.
  [[nodiscard]] bool Present() { return Control() != nullptr; }
  // One proxied connection: greeting, ping, end. kFdr when the host does not play its part.
  [[nodiscard]] Done Ping();
  // One proxied connection that leads somewhere: bytes must arrive there and their answer here.
  [[nodiscard]] Done Reach();
  // Ends the control connection; clients wait for it some time after the final status. Some know
  // the message that announces it, others only warn of it (reference 8).
  void Close(bool announced);

 private:
  [[nodiscard]] std::shared_ptr<Stream> Control();
  // A connection the host opened on being asked, its greeting answered.
  [[nodiscard]] std::shared_ptr<Stream> Connect();

  const Phone& phone_;
  Attachment& attachment_;
  std::mutex mutex_;
  std::shared_ptr<Stream> control_;  // shared with the thread that serves it
};

}  // namespace rack
