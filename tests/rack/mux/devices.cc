#include "tests/rack/mux/devices.h"

namespace rack {

std::uint32_t MuxDevices::Add(MuxDevice device) {
  const std::lock_guard lock(mutex_);
  device.id = next_id_++;
  const std::uint32_t handle = next_handle_++;
  Tell(devices_[handle] = std::move(device), MuxEvent::kAttached);
  return handle;
}

void MuxDevices::Remove(std::uint32_t handle) {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(handle);
  if (found == devices_.end()) return;
  Tell(found->second, MuxEvent::kDetached);
  devices_.erase(found);
}

std::vector<MuxDevice> MuxDevices::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<MuxDevice> list;
  for (const auto& [handle, device] : devices_) list.push_back(device);
  return list;
}

std::optional<MuxDevice> MuxDevices::Find(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [handle, device] : devices_)
    if (device.id == id) return device;
  return std::nullopt;
}

void MuxDevices::AnnouncePaired(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  for (const auto& [handle, device] : devices_)
    if (device.id == id) Tell(device, MuxEvent::kPaired);
}

void MuxDevices::CutConnections() {
  const std::lock_guard lock(mutex_);
  for (const auto& [handle, device] : devices_) device.attachment->CutConnections();
}

void MuxDevices::Renumber() {
  const std::lock_guard lock(mutex_);
  next_id_ = 1;
  for (auto& [handle, device] : devices_) device.id = next_id_++;
}

int MuxDevices::Subscribe(Heard heard) {
  const std::lock_guard lock(mutex_);
  for (const auto& [handle, device] : devices_) heard(device, MuxEvent::kAttached);
  subscribers_[next_subscriber_] = std::move(heard);
  return next_subscriber_++;
}

void MuxDevices::Unsubscribe(int id) {
  const std::lock_guard lock(mutex_);
  subscribers_.erase(id);
}

void MuxDevices::Tell(const MuxDevice& device, MuxEvent event) const {
  for (const auto& [id, heard] : subscribers_) heard(device, event);
}

}  // namespace rack
