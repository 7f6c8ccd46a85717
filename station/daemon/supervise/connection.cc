#include "station/daemon/supervise/connection.h"

#include "station/base/log.h"

namespace station::daemon {

std::shared_ptr<Connection> Connection::Make(boost::asio::io_context& io, Fd socket,
                                             OnMessage on_message) {
  return std::shared_ptr<Connection>(new Connection(io, std::move(socket), std::move(on_message)));
}

Connection::Connection(boost::asio::io_context& io, Fd socket, OnMessage on_message)
    : channel_(std::move(socket)),
      descriptor_(io, channel_.Socket().Get()),
      on_message_(std::move(on_message)) {}

Connection::~Connection() {
  if (descriptor_.is_open()) descriptor_.release();
}

void Connection::Listen() {
  if (!descriptor_.is_open()) return;
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (error || !self->descriptor_.is_open()) return;
                           self->Drain();
                           self->Listen();
                         });
}

void Connection::Drain() {
  const auto self = shared_from_this();  // a message may end this connection
  while (descriptor_.is_open()) {
    auto message = channel_.ReceiveMessage<worker::v1::ToDaemon>();
    if (!message && message.error().code == ErrorCode::kUnavailable) return;
    if (!message)
      LogError(LogLevel::kWarning, "a worker's packet was not understood", message.error(),
               {{"task", task}});
    const bool over = !message || !message->has_value();
    if (over) Close();
    on_message_(*this, over ? std::nullopt : std::move(*message));
  }
}

Status Connection::Send(const worker::v1::ToWorker& message,
                        std::span<const int> descriptors) const {
  return channel_.Send(message, descriptors);
}

void Connection::Close() {
  if (descriptor_.is_open()) descriptor_.release();
}

}  // namespace station::daemon
