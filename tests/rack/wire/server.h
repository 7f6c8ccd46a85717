#pragma once
// A listening socket with one thread for each connection. Ends and joins all of them when it goes.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "station/base/fd.h"
#include "tests/rack/wire/stream.h"

namespace rack {

class SocketServer {
 public:
  using Serve = std::function<void(const std::shared_ptr<Stream>&)>;

  SocketServer(station::Fd listener, Serve serve);
  ~SocketServer();
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

 private:
  struct Connection {
    std::shared_ptr<Stream>
        stream;  // shared: a phone keeps it after this thread has handed it over
    bool done = false;
    std::thread thread;
  };

  void AcceptUntilStopped();
  void Start(station::Fd fd);
  void ReapFinished();

  station::Fd listener_;
  station::Fd wake_;  // eventfd
  Serve serve_;
  std::mutex mutex_;
  std::list<Connection> connections_;
  std::thread acceptor_;
};

}  // namespace rack
