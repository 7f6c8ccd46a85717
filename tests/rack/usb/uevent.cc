#include "tests/rack/usb/uevent.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "station/base/fd.h"

namespace rack {
namespace {

// How long a monitor with a full queue may hold up the others, once.
constexpr timeval kPatience = {2, 0};

// The header in front of the properties (systemd, device-monitor.c). Magic and hashes are
// big-endian.
struct MonitorHeader {
  char prefix[8];
  std::uint32_t magic;
  std::uint32_t header_size;
  std::uint32_t properties_offset;
  std::uint32_t properties_size;
  std::uint32_t subsystem_hash;
  std::uint32_t devtype_hash;
  std::uint32_t tag_bloom_high;
  std::uint32_t tag_bloom_low;
};
static_assert(sizeof(MonitorHeader) == 40);

constexpr std::uint32_t kMagic = 0xFEEDCAFE;

// MurmurHash2 with seed 0: what subscribers' socket filters compare with.
std::uint32_t FilterHash(std::string_view text) {
  constexpr std::uint32_t kMultiplier = 0x5BD1E995;
  auto hash = static_cast<std::uint32_t>(text.size());
  for (; text.size() >= 4; text.remove_prefix(4)) {
    std::uint32_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    word *= kMultiplier;
    word ^= word >> 24U;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
  }
  if (!text.empty()) {
    std::uint32_t rest = 0;
    std::memcpy(&rest, text.data(), text.size());  // little-endian, as all Debian amd64 is
    hash = (hash ^ rest) * kMultiplier;
  }
  hash = (hash ^ (hash >> 13U)) * kMultiplier;
  return hash ^ (hash >> 15U);
}

std::string_view ValueOf(const std::vector<std::string>& properties, std::string_view key) {
  for (const std::string_view property : properties)
    if (property.starts_with(key)) return property.substr(key.size());
  return {};
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::string UeventDatagram(const std::vector<std::string>& properties) {
  std::string body;
  for (const std::string& property : properties) body += property + '\0';
  MonitorHeader header{};
  std::memcpy(header.prefix, "libudev", sizeof header.prefix);
  header.magic = htonl(kMagic);
  header.header_size = sizeof header;
  header.properties_offset = sizeof header;
  header.properties_size = static_cast<std::uint32_t>(body.size());
  header.subsystem_hash = htonl(FilterHash(ValueOf(properties, "SUBSYSTEM=")));
  header.devtype_hash = htonl(FilterHash(ValueOf(properties, "DEVTYPE=")));
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

UeventSender::UeventSender(std::string root)
    : root_(std::move(root)), thread_(&UeventSender::Run, this) {}

UeventSender::~UeventSender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void UeventSender::Send(const std::vector<std::string>& properties) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(UeventDatagram(properties));
  }
  changed_.notify_all();
}

void UeventSender::Run() {
  while (true) {
    std::string datagram;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      datagram = std::move(queue_.front());
      queue_.pop_front();
    }
    Deliver(datagram);
  }
}

void UeventSender::Deliver(const std::string& datagram) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(root_.c_str()));
  if (!folder) return;
  std::vector<std::string> monitors;
  while (const dirent* entry = ::readdir(folder.get()))
    if (std::string_view(entry->d_name).starts_with("event"))
      monitors.push_back(root_ + "/" + entry->d_name);
  for (const std::string& monitor : monitors) DeliverTo(monitor, datagram);
}

// A refused connection is a monitor that has been closed. Its file stays: the preload replaces it
// when the number is used again, and removing it here could hit the successor.
void UeventSender::DeliverTo(const std::string& path, const std::string& datagram) {
  const station::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket.Valid() || path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    deaf_.erase(path);
    return;
  }
  ::setsockopt(socket.Get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const int flags = MSG_NOSIGNAL | (deaf_.contains(path) ? MSG_DONTWAIT : 0);
  if (::send(socket.Get(), datagram.data(), datagram.size(), flags) >= 0)
    deaf_.erase(path);
  else if (errno == EAGAIN)
    deaf_.insert(path);
}

}  // namespace rack
