#include "tests/rack/usb/world_view.h"

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "tests/rack/usb/port_names.h"

namespace rack {
namespace {

constexpr std::size_t kMaxRetired = 16;

}  // namespace

WorldView::WorldView(std::string root, std::optional<std::vector<station::PortPath>> only,
                     IoctlServer& server, UsbfsFile::Configured configured)
    : root_(std::move(root)),
      only_(std::move(only)),
      server_(server),
      configured_(std::move(configured)),
      tree_(root_),
      events_(std::make_unique<UeventSender>(root_)) {}

WorldView::~WorldView() {
  events_.reset();
  if (default_listener_) server_.Close(*default_listener_, true);
  for (const Retired& retired : retired_) server_.Close(retired.listener, true);
  for (const auto& [port, listener] : listeners_) server_.Close(listener, true);
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

station::Status WorldView::Create() {
  STATION_CHECK(tree_.Create());
  STATION_TRY(listener, server_.Listen(root_ + "/ioctl/_default", nullptr));
  default_listener_ = listener;
  return {};
}

bool WorldView::Shows(const UsbDevice& device) const {
  if (!only_) return true;
  return std::ranges::any_of(*only_, [&](const station::PortPath& port) {
    if (!device.Descriptors().is_hub) return port == device.Port();
    return port.chain.size() > device.Port().chain.size() &&
           (IsOnTheWay(device.Port(), port) || IsOnTheWay(Companion(device.Port()), port));
  });
}

station::Status WorldView::Show(const std::shared_ptr<UsbDevice>& device) {
  if (!Shows(*device)) return {};
  const std::string socket_path = tree_.SocketPath(*device);
  CloseRetired(socket_path);
  STATION_TRY(fifo, tree_.AddNode(*device));
  auto gate = std::make_shared<ReadyGate>(std::move(fifo));
  auto listener = server_.Listen(
      socket_path, [device, gate, configured = configured_](ClientMemory& memory, int socket) {
        return std::make_unique<UsbfsFile>(device, gate, memory, socket, configured);
      });
  if (!listener) return std::unexpected(std::move(listener).error());
  listeners_[device->Port()] = *listener;
  STATION_CHECK(tree_.Add(*device));
  Announce("add", *device);
  return {};
}

void WorldView::Hide(const UsbDevice& device) {
  const auto found = listeners_.find(device.Port());
  if (found == listeners_.end()) return;
  tree_.RemoveNode(device);
  tree_.Remove(device);
  retired_.push_back({tree_.SocketPath(device), found->second});
  listeners_.erase(found);
  if (retired_.size() > kMaxRetired) CloseRetired(std::string(retired_.front().socket_path));
  Announce("remove", device);
}

void WorldView::Configured(const UsbDevice& device) {
  if (!listeners_.contains(device.Port())) return;
  tree_.SetConfiguration(device);
  Announce("change", device);
}

void WorldView::CloseRetired(const std::string& socket_path) {
  std::erase_if(retired_, [&](const Retired& retired) {
    if (retired.socket_path != socket_path) return false;
    server_.Close(retired.listener, false);
    return true;
  });
}

void WorldView::Announce(const char* action, const UsbDevice& device) {
  static std::atomic<std::uint64_t> sequence = 1;
  std::vector<std::string> properties = {std::string("ACTION=") + action,
                                         "DEVPATH=" + DevicePath(device.Port()), "SUBSYSTEM=usb",
                                         "SEQNUM=" + std::to_string(sequence++)};
  for (std::string& line : UeventLines(device)) {
    // Over the wire udev names the node in full.
    if (line.starts_with("DEVNAME=")) line.insert(8, "/dev/");
    properties.push_back(std::move(line));
  }
  events_->Send(properties);
}

}  // namespace rack
