#pragma once
// The phones that usbmuxd would list right now, and who wants to hear of changes.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/rack/model/attachment.h"

namespace rack {

struct MuxDevice {
  std::uint32_t id = 0;  // given by MuxDevices; never 0, never used again by the same daemon
  std::string phone;     // its name on the cart
  std::string udid;
  std::uint32_t location = 0;  // bus << 16 | USB address
  std::uint64_t speed = 480000000;
  std::uint16_t product_id = 0x12A8;
  std::shared_ptr<Attachment> attachment;  // shared: connections outlive the listing
};

enum class MuxEvent { kAttached, kDetached, kPaired };

class MuxDevices {
 public:
  // Called under the list's lock; must not wait and must not call back.
  using Heard = std::function<void(const MuxDevice& device, MuxEvent event)>;

  // The handle that takes it off the list again; clients know it by its id.
  std::uint32_t Add(MuxDevice device);
  void Remove(std::uint32_t handle);
  [[nodiscard]] std::vector<MuxDevice> List() const;
  [[nodiscard]] std::optional<MuxDevice> Find(std::uint32_t id) const;
  // A host has stored the pair record of that device.
  void AnnouncePaired(std::uint32_t id);
  // As a daemon that has died and come back: every connection cut, ids counted from 1 again.
  void CutConnections();
  void Renumber();
  // Tells of all present devices, then of every change until Unsubscribe.
  int Subscribe(Heard heard);
  void Unsubscribe(int id);

 private:
  void Tell(const MuxDevice& device, MuxEvent event) const;

  mutable std::mutex mutex_;
  std::map<std::uint32_t, MuxDevice> devices_;  // by handle
  std::map<int, Heard> subscribers_;
  std::uint32_t next_handle_ = 1;
  std::uint32_t next_id_ = 1;
  int next_subscriber_ = 1;
};

}  // namespace rack
