#pragma once
// WatchPorts as a queue of events for a program that waits for several things at once. Connects
// again by itself when the daemon goes away; also delivers SIGINT and SIGTERM while it lives. One
// at a time.

#include <csignal>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "station/ctl/client.h"

namespace station::ctl {

class PortStream {
 public:
  struct Changed {
    v1::Port port;
  };
  struct Current {};  // the current state has been sent
  struct Lost {       // the daemon is away; tried again every second
    Failure failure;
  };
  struct Stopped {};  // a signal asked to end
  using Event = std::variant<Changed, Current, Lost, Stopped>;

  explicit PortStream(Client& client);
  ~PortStream();
  PortStream(const PortStream&) = delete;
  PortStream& operator=(const PortStream&) = delete;

  // Nothing when `limit` has passed.
  [[nodiscard]] std::optional<Event> Next(std::chrono::milliseconds limit);

 private:
  void Read(const std::stop_token& stop);
  void Push(Event event);

  Client& client_;
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<Event> events_;
  grpc::ClientContext* context_ = nullptr;  // of the stream being read; guarded by mutex_
  std::jthread reader_;
};

}  // namespace station::ctl
