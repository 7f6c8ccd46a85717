#include "station/daemon/metrics/exposition.h"

#include <exception>

namespace station::daemon {

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
  exposition->address_ = host + ":" + std::to_string(ports.empty() ? port : ports.front());
  exposition->host_ = std::make_shared<HostMetrics>(std::move(paths));
  exposition->exposer_->RegisterCollectable(metrics.Registry());
  exposition->exposer_->RegisterCollectable(exposition->host_);
  return exposition;
}

}  // namespace station::daemon
