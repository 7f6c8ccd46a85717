#pragma once
// The server side of the socket protocol umockdev's preload speaks: one listening socket per device
// node, one thread per open file. What an ioctl means is the handler's business.

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "tests/rack/usb/client_memory.h"

namespace rack {

struct IoctlReply {
  std::int64_t value = 0;
  int error = 0;  // errno, when value is -1
};
[[nodiscard]] inline IoctlReply Failed(int error) { return {-1, error}; }
[[nodiscard]] inline IoctlReply ZeroOr(int error) {
  return error == 0 ? IoctlReply{} : Failed(error);
}

// One open file of a device node. Called from its connection's thread only; destroyed when the file
// is closed.
class IoctlHandler {
 public:
  virtual ~IoctlHandler() = default;
  virtual IoctlReply Ioctl(std::uint64_t request, std::uint64_t argument) = 0;
  virtual IoctlReply Read(std::uint64_t buffer, std::uint64_t size) = 0;
};

class IoctlServer {
 public:
  // `socket` turns readable at its end (POLLRDHUP) when the client dies during a call.
  using MakeHandler =
      std::function<std::unique_ptr<IoctlHandler>(ClientMemory& memory, int socket)>;

  IoctlServer();
  // Ends every connection and waits for their threads.
  ~IoctlServer();
  IoctlServer(const IoctlServer&) = delete;
  IoctlServer& operator=(const IoctlServer&) = delete;

  // Listens at `path` (world-writable); without `make_handler` clients are told to run everything
  // natively. Returns a number for Close().
  station::Result<std::uint64_t> Listen(const std::string& path, MakeHandler make_handler);
  // Stops listening; open files live on, unless they are to be cut off.
  void Close(std::uint64_t listener, bool cut_off);

 private:
  struct Listener {
    station::Fd socket;
    std::string path;
    std::shared_ptr<const MakeHandler> make_handler;
  };

  void AcceptLoop();
  void Accept(std::uint64_t id);
  void TurnAway(int listening);
  void ServeAndForget(std::uint64_t listener, const std::shared_ptr<station::Fd>& socket,
                      const std::shared_ptr<const MakeHandler>& make_handler);

  station::Fd epoll_;
  station::Fd stop_;
  station::Fd spare_;  // given up for a moment to turn a client away when descriptors have run out
  std::mutex mutex_;
  std::condition_variable all_ended_;
  bool stopping_ = false;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Listener> listeners_;
  std::multimap<std::uint64_t, int> connections_;  // listener -> socket
  std::thread acceptor_;
};

// Speaks the protocol on `socket` until the client closes it or talks nonsense.
void ServeConnection(int socket, const IoctlServer::MakeHandler& make_handler);

}  // namespace rack
