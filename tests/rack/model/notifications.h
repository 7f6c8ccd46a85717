#pragma once
// Darwin notifications of one phone: names that are posted, and mailboxes of those who observe
// them.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rack {

class Mailbox {
 public:
  void Observe(const std::string& name);
  void ObserveAll();
  // Waits for the next observed name; nothing once closed.
  [[nodiscard]] std::optional<std::string> Next();
  void Close();

 private:
  friend class Notifications;
  void Deliver(const std::string& name);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> observed_;
  std::deque<std::string> waiting_;
  bool all_ = false;
  bool closed_ = false;
};

class Notifications {
 public:
  // Shared with the thread that empties it; forgotten here when that lets go.
  [[nodiscard]] std::shared_ptr<Mailbox> Open();
  void Post(const std::string& name);

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Mailbox>> mailboxes_;
};

}  // namespace rack
