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
  std::uint32_t id = 0;  // given by MuxDevices; never 0, never used again
  std::string phone;     // its name on the cart
  std::string udid;
  std::uint32_t location = 0;  // bus << 16 | USB address
  std::uint64_t speed = 480000000;
  std::uint16_t product_id = 0x12A8;
  std::shared_ptr<Attachment> attachment;  // shared: connections outlive the listing
};

class MuxDevices {
 public:
  // Called under the list's lock; must not wait and must not call back.
  using Heard = std::function<void(const MuxDevice& device, bool attached)>;

  std::uint32_t Add(MuxDevice device);
  void Remove(std::uint32_t id);
  [[nodiscard]] std::vector<MuxDevice> List() const;
  [[nodiscard]] std::optional<MuxDevice> Find(std::uint32_t id) const;
  // Tells of all present devices, then of every change until Unsubscribe.
  int Subscribe(Heard heard);
  void Unsubscribe(int id);

 private:
  mutable std::mutex mutex_;
  std::map<std::uint32_t, MuxDevice> devices_;
  std::map<int, Heard> subscribers_;
  std::uint32_t next_device_ = 1;
  int next_subscriber_ = 1;
};

}  // namespace rack
