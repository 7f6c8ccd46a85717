#pragma once
// Watchers of ports: each gets the current state, then changes. A slow one misses intermediate
// states of a port, never its latest, and never makes the state thread wait.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "station/daemon/cart/view.h"

namespace station::daemon {

class Watcher {
 public:
  struct Item {
    std::optional<PortView> port;  // absent: the current state is complete
  };
  // The next thing to send; nothing after `wait` without one. Ended() tells that there is none any
  // more.
  [[nodiscard]] std::optional<Item> Next(std::chrono::milliseconds wait);
  [[nodiscard]] bool Ended();

  void Begin(const std::vector<PortView>& current);
  void Push(const PortView& port);
  void End();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<PortKey> order_;  // of what is pending, oldest first; bounded by the number of ports
  std::map<PortKey, PortView> pending_;
  std::size_t initial_ = 0;  // of order_: still part of the current state
  bool complete_sent_ = false;
  bool ended_ = false;
};

class WatchHub : public CartObserver {
 public:
  // On the state thread, so that nothing lies between the current state and the first change.
  void Add(std::shared_ptr<Watcher> watcher, const std::vector<PortView>& current);
  void Remove(const std::shared_ptr<Watcher>& watcher);
  // Every watch ends, now and from now on.
  void Close();

  void OnPort(const PortView& port) override;
  void OnCart(const CartView&) override {}
  void OnJobEnded(const ledger::JobRow&) override {}
  void OnStepEnded(Step, std::chrono::duration<double>) override {}
  void OnBytes(const PortView&, std::uint64_t) override {}

 private:
  // shared_ptr: the gRPC thread that reads and the state thread that writes end in either order.
  std::set<std::shared_ptr<Watcher>> watchers_;
  bool closed_ = false;
};

}  // namespace station::daemon
