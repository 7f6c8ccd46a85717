// doctor's question to usbmuxd: which phones do you see?

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>

#include "station/base/fd.h"
#include "station/ctl/doctor.h"
#include "station/plist/plist.h"

namespace station::ctl {
namespace {

constexpr std::string_view kDefaultSocket = "/var/run/usbmuxd";
constexpr std::size_t kMostAnswer = 4U << 20U;

// The header before each message, little-endian.
struct Header {
  std::uint32_t length = 0;  // itself included
  std::uint32_t version = 1;
  std::uint32_t type = 8;  // a property list
  std::uint32_t tag = 1;
};
static_assert(sizeof(Header) == 16);

Result<Fd> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(ErrorCode::kMuxUnreachable, path + ": too long");
  std::ranges::copy(path, address.sun_path);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.Valid() ||
      connect(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Fail(ErrorCode::kMuxUnreachable, fmt::format("{}: {}", path, std::strerror(errno)));
  return fd;
}

Result<Fd> ConnectTcp(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &raw) != 0)
    return Fail(ErrorCode::kMuxUnreachable, host + ": no such host");
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(raw, freeaddrinfo);
  Fd fd(socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.Valid() || connect(fd.Get(), list->ai_addr, list->ai_addrlen) != 0)
    return Fail(ErrorCode::kMuxUnreachable,
                fmt::format("{}:{}: {}", host, port, std::strerror(errno)));
  return fd;
}

Result<Fd> Connect(std::string address) {
  if (address.empty()) return ConnectUnix(std::string(kDefaultSocket));
  for (const std::string_view prefix : {"UNIX:", "unix:"})
    if (address.starts_with(prefix)) return ConnectUnix(address.substr(prefix.size()));
  if (address.starts_with('/')) return ConnectUnix(address);
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return Fail(ErrorCode::kMuxUnreachable, address + ": no address");
  return ConnectTcp(address.substr(0, colon), address.substr(colon + 1));
}

Status ReadExactly(const Fd& fd, std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = recv(fd.Get(), out.data(), out.size(), 0);
    if (got <= 0) return Fail(ErrorCode::kMuxUnreachable, "it does not answer");
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<plist::Plist> Ask(const Fd& fd, plist::Plist question) {
  const std::string body = question.ToXml();
  Header header;
  header.length = static_cast<std::uint32_t>(sizeof header + body.size());
  std::vector<std::uint8_t> message(sizeof header + body.size());
  std::memcpy(message.data(), &header, sizeof header);
  std::memcpy(message.data() + sizeof header, body.data(), body.size());
  STATION_CHECK(WriteAll(fd, message));
  std::array<std::uint8_t, sizeof(Header)> raw{};
  STATION_CHECK(ReadExactly(fd, raw));
  std::memcpy(&header, raw.data(), sizeof header);
  if (header.length < sizeof header || header.length > kMostAnswer)
    return Fail(ErrorCode::kMuxUnreachable, "its answer makes no sense");
  std::vector<std::uint8_t> answer(header.length - sizeof header);
  STATION_CHECK(ReadExactly(fd, answer));
  return plist::Plist::Parse(answer);
}

}  // namespace

Result<std::set<std::string>> ListMuxDevices(const std::string& address) {
  STATION_TRY(fd, Connect(address));
  const timeval limit{.tv_sec = 3, .tv_usec = 0};
  setsockopt(fd.Get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.Get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  plist::Plist question = plist::Plist::Dict();
  question.Set("MessageType", plist::Plist::String("ListDevices"))
      .Set("ClientVersionString", plist::Plist::String("stationctl"))
      .Set("ProgName", plist::Plist::String("stationctl"));
  STATION_TRY(answer, Ask(fd, std::move(question)));
  const plist::View list = answer["DeviceList"];
  std::set<std::string> serials;
  for (std::size_t i = 0; i < list.Size(); ++i) {
    auto serial = list.At(i)["Properties"]["SerialNumber"].String().value_or("");
    std::erase(serial, '-');
    serials.insert(std::move(serial));
  }
  return serials;
}

Finding CheckMux(const Result<std::set<std::string>>& devices, const std::string& address,
                 const std::string& version) {
  const std::string where = address.empty() ? std::string(kDefaultSocket) : address;
  if (!devices)
    return {Health::kFail, "usbmuxd", devices.error().context,
            "Start it: systemctl start usbmuxd. Without it no phone in normal mode is seen."};
  return {Health::kOk, "usbmuxd",
          fmt::format("{} answers, {} phones{}{}", where, devices->size(),
                      version.empty() ? "" : ", version ", version),
          ""};
}

std::string InstalledMuxVersion() {
  constexpr const char* kProgram = "/usr/sbin/usbmuxd";
  if (access(kProgram, X_OK) != 0) return "";
  const std::unique_ptr<FILE, decltype(&pclose)> pipe(
      popen("/usr/sbin/usbmuxd --version 2>&1", "r"), pclose);
  std::array<char, 128> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return "";
  std::string_view text = line.data();  // "usbmuxd 1.1.1"
  text = text.substr(0, text.find_last_not_of("\r\n ") + 1);
  return Printable(text.substr(text.rfind(' ') + 1));
}

}  // namespace station::ctl
