#include "tests/rack/usb/usb_device.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rack {
namespace {

constexpr std::uint8_t kDirectionIn = 0x80;

}  // namespace

ReadyGate::ReadyGate(station::Fd fifo) : fifo_(std::move(fifo)) {
  ::fcntl(fifo_.Get(), F_SETPIPE_SZ, 1);  // rounded up to one page: one slot
  [[maybe_unused]] const ssize_t shut = ::write(fifo_.Get(), "", 1);
}

void ReadyGate::Add() {
  const std::lock_guard lock(mutex_);
  char byte = 0;
  if (count_++ == 0) [[maybe_unused]]
    const ssize_t opened = ::read(fifo_.Get(), &byte, 1);
}

void ReadyGate::Remove() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) [[maybe_unused]]
    const ssize_t shut = ::write(fifo_.Get(), "", 1);
}

UsbFile::UsbFile(std::shared_ptr<ReadyGate> node)
    : gate(std::move(node)), wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

UsbDevice::UsbDevice(station::PortPath port, std::uint8_t address, DescriptorSet descriptors,
                     std::shared_ptr<UsbFunction> function)
    : port_(std::move(port)),
      address_(address),
      descriptors_(std::move(descriptors)),
      settings_(Interfaces(descriptors_)),
      has_function_(function != nullptr),
      function_(std::move(function)),
      finished_(!has_function_) {
  if (has_function_) thread_ = std::thread(&UsbDevice::Run, this);
}

UsbDevice::~UsbDevice() {
  Unplug();
  Join();
}

std::uint8_t UsbDevice::Configuration() const {
  const std::lock_guard lock(mutex_);
  return configuration_;
}

std::uint8_t UsbDevice::AlternateSetting(std::uint8_t interface) const {
  const std::lock_guard lock(mutex_);
  const auto found = alternates_.find(interface);
  return found == alternates_.end() ? 0 : found->second;
}

void UsbDevice::SwitchPort(std::uint8_t port, bool on) {
  {
    const std::lock_guard lock(mutex_);
    const bool changed = on ? dark_ports_.erase(port) > 0 : dark_ports_.insert(port).second;
    if (!changed) return;
  }
  if (on_switch_) on_switch_(port, on);
}

bool UsbDevice::PortHasPower(std::uint8_t port) const {
  const std::lock_guard lock(mutex_);
  return !dark_ports_.contains(port);
}

bool UsbDevice::Gone() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void UsbDevice::Unplug() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    queue_.clear();
    for (UsbFile* file : files_) {
      while (!file->pending.empty()) {
        const std::shared_ptr<Transfer> transfer = file->pending.front();
        Complete(*transfer, -ESHUTDOWN);
      }
      Signal(*file);
    }
  }
  work_.notify_all();
}

void UsbDevice::Join() {
  if (thread_.joinable()) thread_.join();
}

void UsbDevice::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  work_.notify_all();
}

void UsbDevice::Open(UsbFile& file) {
  const std::lock_guard lock(mutex_);
  files_.insert(&file);
}

void UsbDevice::Close(UsbFile& file) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Transfer>& transfer : file.pending) transfer->owner = nullptr;
  file.pending.clear();
  for (; !file.finished.empty(); file.finished.pop_front()) file.gate->Remove();
  files_.erase(&file);
}

const InterfaceSetting* UsbDevice::Setting(std::uint8_t interface, std::uint8_t setting) const {
  const auto found = std::ranges::find_if(settings_, [&](const InterfaceSetting& candidate) {
    return candidate.number == interface && candidate.alternate == setting;
  });
  return found == settings_.end() ? nullptr : &*found;
}

int UsbDevice::Claim(UsbFile& file, std::uint8_t interface) {
  const std::lock_guard lock(mutex_);
  if (configuration_ == 0) return EHOSTUNREACH;
  if (Setting(interface, 0) == nullptr) return ENOENT;
  for (const UsbFile* other : files_)
    if (other != &file && other->claimed.contains(interface)) return EBUSY;
  file.claimed.insert(interface);
  return 0;
}

int UsbDevice::Release(UsbFile& file, std::uint8_t interface) {
  const std::lock_guard lock(mutex_);
  if (file.claimed.erase(interface) == 0) return EINVAL;
  alternates_.erase(interface);  // the kernel puts a released interface back to setting 0
  return 0;
}

bool UsbDevice::IsClaimed(std::uint8_t interface) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(
      files_, [&](const UsbFile* file) { return file->claimed.contains(interface); });
}

int UsbDevice::SetAlternateSetting(UsbFile& file, std::uint8_t interface, std::uint8_t setting) {
  if (const int error = Claim(file, interface); error != 0) return error;
  const std::lock_guard lock(mutex_);
  if (Setting(interface, setting) == nullptr) return EINVAL;
  alternates_[interface] = setting;
  return 0;
}

int UsbDevice::SetConfiguration(std::uint8_t value) {
  const std::lock_guard lock(mutex_);
  if (value > 1) return EINVAL;
  for (const UsbFile* file : files_)
    if (!file->claimed.empty()) return EBUSY;
  configuration_ = value;
  alternates_.clear();
  return 0;
}

std::optional<std::uint8_t> UsbDevice::InterfaceOf(std::uint8_t endpoint) const {
  for (const InterfaceSetting& setting : settings_)
    if (std::ranges::count(setting.endpoints, endpoint) != 0) return setting.number;
  return std::nullopt;
}

int UsbDevice::CheckEndpoint(const UsbFile& file, std::uint8_t endpoint) const {
  const std::optional<std::uint8_t> interface = InterfaceOf(endpoint);
  if (!interface) return ENOENT;
  const std::lock_guard lock(mutex_);
  if (configuration_ == 0) return EHOSTUNREACH;
  const auto alternate = alternates_.find(*interface);
  const InterfaceSetting* current =
      Setting(*interface, alternate == alternates_.end() ? 0 : alternate->second);
  if (current == nullptr || std::ranges::count(current->endpoints, endpoint) == 0) return ENOENT;
  return file.claimed.contains(*interface) ? 0 : EINVAL;
}

int UsbDevice::Submit(UsbFile& file, std::shared_ptr<Transfer> transfer) {
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return ENODEV;
    transfer->owner = &file;
    file.pending.push_back(transfer);
    if (!has_function_) return 0;  // a hub's interrupt transfer: never anything to say
    queue_.push_back(std::move(transfer));
  }
  work_.notify_all();
  return 0;
}

int UsbDevice::SubmitFinished(UsbFile& file, std::shared_ptr<Transfer> transfer) {
  const std::lock_guard lock(mutex_);
  if (gone_) return ENODEV;
  transfer->owner = &file;
  file.pending.push_back(transfer);
  Complete(*transfer, transfer->status);
  return 0;
}

int UsbDevice::Discard(UsbFile& file, std::uint64_t urb) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(file.pending, urb, &Transfer::urb);
  if (found == file.pending.end()) return EINVAL;
  const std::shared_ptr<Transfer> transfer = *found;
  Complete(*transfer, -ENOENT);
  return 0;
}

void UsbDevice::Abandon(const std::shared_ptr<Transfer>& transfer) {
  const std::lock_guard lock(mutex_);
  Complete(*transfer, -ENOENT);
}

std::shared_ptr<Transfer> UsbDevice::Reap(UsbFile& file) {
  const std::lock_guard lock(mutex_);
  if (file.finished.empty()) return nullptr;
  const std::shared_ptr<Transfer> transfer = std::move(file.finished.front());
  file.finished.pop_front();
  file.gate->Remove();
  return transfer;
}

bool UsbDevice::ReadyOrArm(UsbFile& file, const Transfer* transfer) {
  const std::lock_guard lock(mutex_);
  const bool ready =
      transfer != nullptr ? transfer->owner == nullptr : gone_ || !file.finished.empty();
  file.waiting = !ready;
  return ready;
}

void UsbDevice::Signal(UsbFile& file) {
  const std::uint64_t one = 1;
  if (file.waiting) [[maybe_unused]]
    const ssize_t written = ::write(file.wake.Get(), &one, sizeof one);
}

void UsbDevice::Complete(Transfer& transfer, int status) {
  UsbFile* const file = transfer.owner;
  if (file == nullptr) return;  // discarded, unplugged or closed meanwhile
  transfer.status = status;
  transfer.owner = nullptr;
  const auto found = std::ranges::find(file->pending, &transfer, &std::shared_ptr<Transfer>::get);
  const std::shared_ptr<Transfer> kept = std::move(*found);
  file->pending.erase(found);
  if (kept->urb != 0) {
    file->finished.push_back(kept);
    file->gate->Add();
  }
  Signal(*file);
}

void UsbDevice::Run() {
  while (true) {
    std::shared_ptr<Transfer> transfer;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return gone_ || woken_ || !queue_.empty(); });
      if (gone_) break;
      woken_ = false;
      if (!queue_.empty()) {
        transfer = std::move(queue_.front());
        queue_.pop_front();
        if (transfer->owner == nullptr) transfer.reset();  // cancelled while it queued
      }
    }
    if (transfer) Perform(transfer);
    TryWaitingIn();
  }
  std::shared_ptr<UsbFunction> last;
  {
    const std::lock_guard lock(mutex_);
    last = std::move(function_);
  }
  last.reset();
  finished_ = true;
}

void UsbDevice::Perform(const std::shared_ptr<Transfer>& transfer) {
  int status = 0;
  std::vector<std::uint8_t> in_data;
  switch (transfer->kind) {
    case Transfer::Kind::kControl:
      if (auto answer = function_->Control(transfer->setup, transfer->out_data)) {
        if ((transfer->setup.request_type & kDirectionIn) != 0) in_data = std::move(*answer);
      } else {
        status = -EPIPE;
      }
      break;
    case Transfer::Kind::kBulkOut:
      if (!function_->BulkOut(transfer->endpoint, transfer->out_data)) status = -EPIPE;
      break;
    case Transfer::Kind::kBulkIn:
      waiting_in_.push_back(transfer);
      return;
    case Transfer::Kind::kPortReset:
      function_->PortReset();
      break;
  }
  const std::lock_guard lock(mutex_);
  if (transfer->owner == nullptr) return;
  if (in_data.size() > transfer->size) in_data.resize(transfer->size);
  const bool in = !in_data.empty() || (transfer->setup.request_type & kDirectionIn) != 0;
  if (status == 0) transfer->actual_size = in ? in_data.size() : transfer->out_data.size();
  transfer->in_data = std::move(in_data);
  Complete(*transfer, status);
}

// In order; an endpoint that has nothing for its first transfer has nothing for the later ones.
void UsbDevice::TryWaitingIn() {
  std::set<std::uint8_t> dry;
  std::vector<std::shared_ptr<Transfer>> still_waiting;
  for (const std::shared_ptr<Transfer>& transfer : waiting_in_) {
    {
      const std::lock_guard lock(mutex_);
      if (transfer->owner == nullptr) continue;
    }
    std::vector<std::uint8_t> in_data;
    if (!dry.contains(transfer->endpoint))
      in_data = function_->BulkIn(transfer->endpoint, transfer->size);
    if (in_data.empty()) {
      dry.insert(transfer->endpoint);
      still_waiting.push_back(transfer);
      continue;
    }
    if (in_data.size() > transfer->size) in_data.resize(transfer->size);
    const std::lock_guard lock(mutex_);
    if (transfer->owner == nullptr) continue;  // the data is lost, as on a wire
    transfer->actual_size = in_data.size();
    transfer->in_data = std::move(in_data);
    Complete(*transfer, 0);
  }
  waiting_in_ = std::move(still_waiting);
}

}  // namespace rack
