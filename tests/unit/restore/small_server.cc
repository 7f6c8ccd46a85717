#include "small_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace station::restore::testing {

SmallServer::SmallServer(std::function<std::string(const std::string&)> answer)
    : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener_.Get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(listener_.Get(), 8);
  socklen_t size = sizeof address;
  ::getsockname(listener_.Get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

SmallServer::~SmallServer() {
  ending_ = true;
  thread_.join();
}

std::vector<std::string> SmallServer::Requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void SmallServer::Serve() {
  while (!ending_) {
    pollfd wait{listener_.Get(), POLLIN, 0};
    if (::poll(&wait, 1, 50) <= 0) continue;
    const Fd client(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string request;
    std::array<char, 4096> piece{};
    const auto complete = [&] {
      const std::size_t head = request.find("\r\n\r\n");
      if (head == std::string::npos) return false;
      const std::size_t at = request.find("Content-Length: ");
      const std::size_t body =
          at == std::string::npos || at > head ? 0 : std::stoul(request.substr(at + 16));
      return request.size() >= head + 4 + body;
    };
    while (!complete()) {
      const ssize_t got = ::recv(client.Get(), piece.data(), piece.size(), 0);
      if (got <= 0) break;
      request.append(piece.data(), static_cast<std::size_t>(got));
    }
    const std::string answer = answer_(request);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    (void)WriteAll(client, {reinterpret_cast<const std::uint8_t*>(answer.data()), answer.size()});
  }
}

}  // namespace station::restore::testing
