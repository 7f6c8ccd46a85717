#pragma once
// A web server on loopback that gives scripted answers and keeps what it was sent.

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "station/base/fd.h"

namespace station::restore::testing {

class SmallServer {
 public:
  // `answer` gets the whole request and writes the whole response.
  explicit SmallServer(std::function<std::string(const std::string& request)> answer);
  ~SmallServer();
  [[nodiscard]] std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  [[nodiscard]] std::uint16_t Port() const { return port_; }
  [[nodiscard]] std::vector<std::string> Requests();

 private:
  void Serve();
  std::function<std::string(const std::string&)> answer_;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace station::restore::testing
