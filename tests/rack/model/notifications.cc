#include "tests/rack/model/notifications.h"

namespace rack {

void Mailbox::Observe(const std::string& name) {
  const std::lock_guard lock(mutex_);
  observed_.insert(name);
}

void Mailbox::ObserveAll() {
  const std::lock_guard lock(mutex_);
  all_ = true;
}

std::optional<std::string> Mailbox::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  if (closed_) return std::nullopt;
  std::string name = std::move(waiting_.front());
  waiting_.pop_front();
  return name;
}

void Mailbox::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void Mailbox::Deliver(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!all_ && !observed_.contains(name)) return;
  waiting_.push_back(name);
  changed_.notify_all();
}

std::shared_ptr<Mailbox> Notifications::Open() {
  const std::lock_guard lock(mutex_);
  std::erase_if(mailboxes_, [](const auto& weak) { return weak.expired(); });
  auto mailbox = std::make_shared<Mailbox>();
  mailboxes_.push_back(mailbox);
  return mailbox;
}

void Notifications::Post(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (const auto& weak : mailboxes_)
    if (const auto mailbox = weak.lock()) mailbox->Deliver(name);
}

}  // namespace rack
