#pragma once
// The daemon's end of one worker's socket, driven by the state thread's io_context.

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "station/link/channel.h"
#include "worker/v1/worker.pb.h"

namespace station::daemon {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Nothing: the peer closed, or sent what is no message.
  using OnMessage = std::function<void(Connection&, std::optional<worker::v1::ToDaemon>)>;

  // shared_ptr: a pending wait of the io_context keeps it alive until it is told that it was
  // cancelled.
  [[nodiscard]] static std::shared_ptr<Connection> Make(boost::asio::io_context& io, Fd socket,
                                                        OnMessage on_message);
  ~Connection();

  void Listen();
  // Reads what is there now, without waiting.
  void Drain();
  [[nodiscard]] Status Send(const worker::v1::ToWorker& message,
                            std::span<const int> descriptors = {}) const;
  void Close();

  std::string task;  // once it said Hello

 private:
  Connection(boost::asio::io_context& io, Fd socket, OnMessage on_message);
  link::Channel channel_;
  boost::asio::posix::stream_descriptor descriptor_;  // the channel's, only waited on
  OnMessage on_message_;
};

}  // namespace station::daemon
