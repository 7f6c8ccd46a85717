#include "station/daemon/metrics/exposition.h"

#include <netdb.h>
#include <sys/socket.h>

#include <exception>
#include <future>
#include <memory>

#include "station/base/fd.h"

namespace station::daemon {
namespace {

// A connection that is closed at once.
void Poke(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  const Fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  static_cast<void>(::connect(fd.Get(), found->ai_addr, found->ai_addrlen));
}

}  // namespace

// The HTTP server looks for its end only every other second, or when somebody connects.
Exposition::~Exposition() {
  if (!exposer_) return;
  const std::vector<int> ports = exposer_->GetListeningPorts();
  const auto closed = std::async(std::launch::async, [this] { exposer_.reset(); });
  while (closed.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
    for (const int port : ports) Poke(poke_host_, port);
}

Result<std::unique_ptr<Exposition>> Exposition::Start(const std::string& address,
                                                      std::uint16_t port, const Metrics& metrics,
                                                      HostPaths paths) {
  std::unique_ptr<Exposition> exposition(new Exposition());
  const std::string host = address.find(':') != std::string::npos ? "[" + address + "]" : address;
  const std::string wanted = host + ":" + std::to_string(port);
  try {
    exposition->exposer_ = std::make_unique<prometheus::Exposer>(wanted, 1);
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kConfigInvalid,
                "metrics cannot listen on " + wanted + ": " + error.what());
  }
  const std::vector<int> ports = exposition->exposer_->GetListeningPorts();
  exposition->poke_host_ = address;
  exposition->address_ = host + ":" + std::to_string(ports.empty() ? port : ports.front());
  exposition->host_ = std::make_shared<HostMetrics>(std::move(paths));
  exposition->exposer_->RegisterCollectable(metrics.Registry());
  exposition->exposer_->RegisterCollectable(exposition->host_);
  return exposition;
}

}  // namespace station::daemon
