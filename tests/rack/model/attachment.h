#pragma once
// One stay of a phone on its cable, from attach to detach. Knows the ports that answer over usbmux
// meanwhile, and ends everything that talks over the cable when it is pulled.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/rack/wire/stream.h"

namespace rack {

inline constexpr std::uint16_t kFirstIssuedPort = 49152;

class Attachment {
 public:
  // Speaks on one connection until it is done; runs in the connection's thread.
  using Service = std::function<void(const std::shared_ptr<Stream>&)>;

  ~Attachment() { End(); }

  void Serve(std::uint16_t port, Service service);
  // False when it was not open.
  bool Close(std::uint16_t port);
  // Opens a port that nobody knew before, for one connection.
  [[nodiscard]] std::uint16_t ServeOnce(Service service);
  // The service behind a port; empty is a refused connection.
  [[nodiscard]] Service Find(std::uint16_t port) const;
  // Opens `port` for connections that are taken with Accept.
  void Listen(std::uint16_t port);
  // The next connection to a listened port; null when it ended or none came in time.
  [[nodiscard]] std::shared_ptr<Stream> Accept(std::uint16_t port,
                                               std::chrono::milliseconds timeout);

  // Ends every connection over the cable, which stays plugged in: usbmuxd has died.
  void CutConnections();
  // Makes the stream end with this stay; false when that is already over.
  bool Join(const std::shared_ptr<Stream>& stream);
  // False when the stay ended before the time was up.
  bool Wait(std::chrono::milliseconds duration);
  [[nodiscard]] bool Ended() const;
  void End();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::map<std::uint16_t, Service> services_;
  std::uint16_t next_port_ = kFirstIssuedPort;
  std::map<std::uint16_t, std::deque<std::shared_ptr<Stream>>> waiting_;
  std::vector<std::weak_ptr<Stream>> streams_;
};

}  // namespace rack
