#pragma once
// The /metrics endpoint.

#include <prometheus/exposer.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "station/base/result.h"
#include "station/daemon/metrics/host_metrics.h"
#include "station/daemon/metrics/metrics.h"

namespace station::daemon {

class Exposition {
 public:
  // Port 0 takes any free one. kConfigInvalid when the address cannot be listened on.
  [[nodiscard]] static Result<std::unique_ptr<Exposition>> Start(const std::string& address,
                                                                 std::uint16_t port,
                                                                 const Metrics& metrics,
                                                                 HostPaths paths);
  ~Exposition();
  Exposition(const Exposition&) = delete;
  Exposition& operator=(const Exposition&) = delete;
  [[nodiscard]] const std::string& Address() const { return address_; }  // "127.0.0.1:9477"

 private:
  Exposition() = default;
  std::string poke_host_;
  std::string address_;
  std::shared_ptr<HostMetrics> host_;  // shared_ptr: the exposer wants a weak one
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace station::daemon
