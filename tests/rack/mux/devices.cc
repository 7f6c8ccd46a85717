#include "tests/rack/mux/devices.h"

namespace rack {

std::uint32_t MuxDevices::Add(MuxDevice device) {
  const std::lock_guard lock(mutex_);
  device.id = next_device_++;
  const MuxDevice& added = devices_[device.id] = std::move(device);
  for (const auto& [id, heard] : subscribers_) heard(added, true);
  return added.id;
}

void MuxDevices::Remove(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  for (const auto& [subscriber, heard] : subscribers_) heard(found->second, false);
  devices_.erase(found);
}

std::vector<MuxDevice> MuxDevices::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<MuxDevice> list;
  for (const auto& [id, device] : devices_) list.push_back(device);
  return list;
}

std::optional<MuxDevice> MuxDevices::Find(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(id);
  return found == devices_.end() ? std::nullopt : std::optional(found->second);
}

int MuxDevices::Subscribe(Heard heard) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, device] : devices_) heard(device, true);
  subscribers_[next_subscriber_] = std::move(heard);
  return next_subscriber_++;
}

void MuxDevices::Unsubscribe(int id) {
  const std::lock_guard lock(mutex_);
  subscribers_.erase(id);
}

}  // namespace rack
