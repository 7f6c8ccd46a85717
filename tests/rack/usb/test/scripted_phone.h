#pragma once
// A UsbFunction that remembers what arrived and answers what a test tells it to.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/rack/usb/usb_bus.h"

namespace rack {

class ScriptedPhone : public UsbFunction {
 public:
  using Bytes = std::vector<std::uint8_t>;

  // What each of them is asked before its default answer; set before attaching.
  std::function<std::optional<Bytes>(const SetupPacket&)> on_control = [](const SetupPacket&) {
    return Bytes{};
  };
  std::function<bool(std::size_t received_before)> on_bulk_out = [](std::size_t) { return true; };
  std::function<void()> on_reset = [] {};

  std::optional<Bytes> Control(const SetupPacket& setup,
                               std::span<const std::uint8_t> out) override {
    Note([&] { controls_.emplace_back(setup, std::string(out.begin(), out.end())); });
    return on_control(setup);
  }
  bool BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> data) override {
    std::size_t before = 0;
    Note([&] {
      before = received_.size();
      last_endpoint_ = endpoint;
      ++blocks_;
      received_.append(data.begin(), data.end());
    });
    return on_bulk_out(before);
  }
  Bytes BulkIn(std::uint8_t /*endpoint*/, std::size_t size) override {
    Bytes answer;
    Note([&] {
      ++reads_;
      to_send_.resize(std::min(to_send_.size(), size));
      answer = std::exchange(to_send_, {});
    });
    return answer;
  }
  void PortReset() override {
    Note([&] { ++resets_; });
    on_reset();
  }

  struct Seen {
    std::vector<std::pair<SetupPacket, std::string>> controls;
    std::string received;
    std::uint8_t last_endpoint;
    int blocks;  // bulk OUT transfers
    int reads;
    int resets;
  };
  [[nodiscard]] Seen Look() const {
    const std::lock_guard lock(mutex_);
    return {controls_, received_, last_endpoint_, blocks_, reads_, resets_};
  }
  // False when it has not come true within 20 s.
  bool WaitUntil(const std::function<bool(const Seen&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return condition({controls_, received_, last_endpoint_, blocks_, reads_, resets_});
    });
  }
  void SetInData(const std::string& text) {
    Note([&] { to_send_.assign(text.begin(), text.end()); });
  }

 private:
  template <typename Change>
  void Note(Change change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<SetupPacket, std::string>> controls_;
  std::string received_;
  std::uint8_t last_endpoint_ = 0;
  int blocks_ = 0;
  int reads_ = 0;
  int resets_ = 0;
  Bytes to_send_;
};

}  // namespace rack
