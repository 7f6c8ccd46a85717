// What doctor asks of the machine: udev, clock, disk, network.

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "station/base/fd.h"
#include "station/ctl/doctor.h"

namespace station::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kGigabyte = 1'000'000'000;
constexpr std::time_t kThisYearAtLeast = 1'735'689'600;  // 2025-01-01

struct Endpoint {
  std::string host;
  std::string port;
};

// "https://gs.apple.com/TSS?x", "http://[::1]:8080" or, for proxies, "host:3128".
std::optional<Endpoint> EndpointOf(std::string_view url) {
  Endpoint endpoint;
  endpoint.port = url.starts_with("https://") ? "443" : "80";
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos)
    url.remove_prefix(user + 1);
  std::size_t host_end = url.find(':');
  if (url.starts_with("[")) {
    host_end = url.find(']');
    if (host_end == std::string_view::npos) return std::nullopt;
    endpoint.host = url.substr(1, host_end - 1);
    ++host_end;
  } else {
    endpoint.host = url.substr(0, host_end);
  }
  if (host_end < url.size() && url[host_end] == ':') endpoint.port = url.substr(host_end + 1);
  if (endpoint.host.empty() || endpoint.port.empty()) return std::nullopt;
  return endpoint;
}

// Empty when connected, else why not.
std::string Connect(const addrinfo& address, std::chrono::milliseconds limit) {
  const Fd fd(socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     address.ai_protocol));
  if (!fd.Valid()) return std::strerror(errno);
  if (connect(fd.Get(), address.ai_addr, address.ai_addrlen) == 0) return "";
  if (errno != EINPROGRESS) return std::strerror(errno);
  pollfd waiting{.fd = fd.Get(), .events = POLLOUT, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return "no answer";
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd.Get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? "" : std::strerror(error);
}

std::string ConnectAny(const Endpoint& endpoint, std::chrono::milliseconds limit) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (const int error = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &raw);
      error != 0)
    return gai_strerror(error);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(raw, freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* address = list.get(); address != nullptr; address = address->ai_next) {
    why = Connect(*address, limit);
    if (why.empty()) break;
  }
  return why;
}

}  // namespace

std::string_view Name(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarn:
      return "warn";
    case Health::kFail:
      return "fail";
  }
  return "unknown";
}

Finding CheckUdevRules(const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".rules") && name.find("station") != std::string::npos)
        return {Health::kOk, "udev rules", entry.path(), ""};
    }
  }
  return {Health::kWarn, "udev rules", "the station's rules are not installed",
          "Install them from deploy/udev, then: udevadm control --reload; udevadm trigger. "
          "Not needed for simulated phones."};
}

Finding CheckClock() {
  if (std::time(nullptr) < kThisYearAtLeast)
    return {Health::kFail, "clock", "the clock is years behind: " + DateText(std::time(nullptr)),
            "Set the clock: timedatectl set-ntp true."};
  timex state{};
  const int result = adjtimex(&state);
  if (result == TIME_ERROR || (static_cast<unsigned>(state.status) & STA_UNSYNC) != 0)
    return {Health::kWarn, "clock", "not synchronised",
            "Signing and records need the right time: timedatectl set-ntp true."};
  return {Health::kOk, "clock", "synchronised", ""};
}

Finding CheckDisk(const fs::path& store) {
  struct statvfs disk {};
  if (statvfs(store.c_str(), &disk) != 0)
    return {Health::kFail, "disk", fmt::format("{}: {}", store.string(), std::strerror(errno)),
            "Check that the store's folder exists and may be read."};
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  Finding finding{Health::kOk, "disk",
                  fmt::format("{} free in {}", BytesText(free), store.string()), ""};
  if (free < 2 * kGigabyte)
    finding.health = Health::kFail;
  else if (free < 25 * kGigabyte)
    finding.health = Health::kWarn;
  if (finding.health != Health::kOk)
    finding.what_to_do = "Free space or move the store: one firmware takes up to 20 GB.";
  return finding;
}

Finding CheckReachable(std::string name, const std::string& url, const std::string& proxy,
                       std::chrono::milliseconds limit) {
  const auto endpoint = EndpointOf(proxy.empty() ? url : proxy);
  if (!endpoint)
    return {Health::kFail, std::move(name), "no host in " + url,
            "Correct it in the configuration."};
  const std::string through = proxy.empty() ? "" : " (the proxy)";
  const std::string where = fmt::format("{}:{}{}", endpoint->host, endpoint->port, through);
  const std::string why = ConnectAny(*endpoint, limit);
  if (why.empty()) return {Health::kOk, std::move(name), where + " answers", ""};
  return {Health::kFail, std::move(name), fmt::format("{}: {}", where, why),
          "Check network, firewall and proxy: no phone is wiped without it."};
}

}  // namespace station::ctl
