#include "tests/rack/usb/usb_bus.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include "tests/rack/usb/port_names.h"
#include "tests/rack/usb/world_view.h"

namespace rack {

using station::ErrorCode;
using station::PortPath;
using station::Result;
using station::Status;

namespace {

// A node takes two descriptors in every world that shows it, an open file two more: with a world
// for each of 64 phones the usual soft limit of 1024 is passed.
void RaiseDescriptorLimit() {
  constexpr rlim_t kWanted = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// Lock order: mutex, then what UsbDevice, IoctlServer and UeventSender guard for themselves. Nobody
// waits for a thread while holding it, so a UsbFunction may attach and detach from within a call.
struct UsbBus::Impl {
  explicit Impl(std::string folder) : dir(std::move(folder)) {}

  Status CheckPort(const PortPath& port) const;
  Status EnsureHubs(const PortPath& port);
  Status AddHubPair(const PortPath& hub);
  // In every world or in none.
  Status Plug(const std::shared_ptr<UsbDevice>& device);
  void Unplug(const std::shared_ptr<UsbDevice>& device);
  // 0 when all 127 are in use.
  std::uint8_t TakeAddress(std::uint8_t bus);
  std::uint8_t NextAddress(std::uint8_t bus) const;
  void Configured(const UsbDevice& device);
  // One side of a port was switched, from a host's thread.
  void Switched(const PortPath& side, bool on);
  // Devices whose threads have ended meanwhile; to be destroyed without the lock.
  std::vector<std::shared_ptr<UsbDevice>> TakeFinished();

  const std::string dir;
  std::mutex mutex;
  std::map<PortPath, std::shared_ptr<UsbDevice>> devices;  // a parent sorts before its children
  std::array<std::uint8_t, kMaxBus + 1> last_address{};
  std::vector<std::shared_ptr<UsbDevice>> departed;
  std::map<PortPath, HubPower> hub_power;  // of those that cannot switch single ports
  OnPower on_power;
  int next_world = 1;
  IoctlServer server;
  std::map<int, std::unique_ptr<WorldView>> worlds;  // use the server
};

Status UsbBus::Impl::CheckPort(const PortPath& port) const {
  const std::string name = station::ToString(port);
  if (port.bus == 0 || port.bus > kMaxBus || port.chain.empty() || port.chain.size() > kMaxTiers)
    return station::Fail(ErrorCode::kBadRequest, "no such port on the rack's buses: " + name);
  for (const std::uint8_t number : port.chain)
    if (number == 0 || number > kPortsPerHub)
      return station::Fail(ErrorCode::kBadRequest, "the rack's hubs have 16 ports: " + name);
  if (devices.contains(port)) return station::Fail(ErrorCode::kAlreadyExists, name + " is taken");
  return {};
}

std::uint8_t UsbBus::Impl::NextAddress(std::uint8_t bus) const {
  const auto used = [&](std::uint8_t address) {
    for (const auto& [port, device] : devices)
      if (port.bus == bus && device->Address() == address) return true;
    return false;
  };
  std::uint8_t address = last_address[bus];
  for (int tries = 0; tries < 127; ++tries) {
    address = static_cast<std::uint8_t>(address >= 127 ? 1 : address + 1);
    if (!used(address)) return address;
  }
  return 0;
}

std::uint8_t UsbBus::Impl::TakeAddress(std::uint8_t bus) {
  const std::uint8_t address = NextAddress(bus);
  if (address != 0) last_address[bus] = address;
  return address;
}

Status UsbBus::Impl::Plug(const std::shared_ptr<UsbDevice>& device) {
  devices[device->Port()] = device;
  for (const auto& [id, world] : worlds)
    if (Status shown = world->Show(device); !shown) {
      Unplug(device);
      return shown;
    }
  return {};
}

void UsbBus::Impl::Unplug(const std::shared_ptr<UsbDevice>& device) {
  devices.erase(device->Port());
  device->Unplug();
  for (const auto& [id, world] : worlds) world->Hide(*device);
  departed.push_back(device);
}

// Both sides first, then shown: each has links to the other.
Status UsbBus::Impl::AddHubPair(const PortPath& hub) {
  for (const PortPath& side : {hub, Companion(hub)}) {
    const UsbSpeed speed = IsSuperSpeedBus(side.bus) ? UsbSpeed::kSuper5G : UsbSpeed::kHigh480M;
    const std::string controller = ControllerPath(side.bus);
    const std::string name = controller.substr(controller.rfind('/') + 1);
    const std::uint8_t address = TakeAddress(side.bus);
    if (address == 0) return station::Fail(ErrorCode::kUnavailable, "the bus is full");
    const auto power = hub_power.find(side);
    const auto device = std::make_shared<UsbDevice>(
        side, address,
        DescribeHub(speed, side.chain.empty() ? name : "",
                    power == hub_power.end() ? HubPower::kPortByPort : power->second),
        nullptr);
    device->SetOnSwitch([this, side](std::uint8_t port, bool on) {
      PortPath switched = side;
      switched.chain.push_back(port);
      Switched(switched, on);
    });
    STATION_CHECK(Plug(device));
  }
  return {};
}

Status UsbBus::Impl::EnsureHubs(const PortPath& port) {
  PortPath hub{port.bus, {}};
  for (std::size_t tier = 0; tier < port.chain.size(); ++tier) {
    for (const PortPath& side : {hub, Companion(hub)}) {
      const auto found = devices.find(side);
      if (found != devices.end() && !found->second->Descriptors().is_hub)
        return station::Fail(ErrorCode::kAlreadyExists,
                             station::ToString(side) + " holds a device that is no hub");
    }
    if (!devices.contains(hub)) STATION_CHECK(AddHubPair(hub));
    hub.chain.push_back(port.chain[tier]);
  }
  return {};
}

void UsbBus::Impl::Configured(const UsbDevice& device) {
  const std::lock_guard lock(mutex);
  const auto found = devices.find(device.Port());
  if (found == devices.end() || found->second.get() != &device) return;
  for (const auto& [id, world] : worlds) world->Configured(device);
}

void UsbBus::Impl::Switched(const PortPath& side, bool on) {
  OnPower tell;
  bool fed = on;
  {
    const std::lock_guard lock(mutex);
    tell = on_power;
    const auto other = devices.find(Companion(Parent(side)));
    if (other != devices.end() && other->second->PortHasPower(side.chain.back())) fed = true;
  }
  if (tell) tell(side, on, fed);
}

std::vector<std::shared_ptr<UsbDevice>> UsbBus::Impl::TakeFinished() {
  std::vector<std::shared_ptr<UsbDevice>> finished;
  std::erase_if(departed, [&](std::shared_ptr<UsbDevice>& device) {
    if (!device->Finished()) return false;
    device->Join();
    finished.push_back(std::move(device));
    return true;
  });
  return finished;
}

UsbBus::UsbBus(std::string dir) : impl_(std::make_unique<Impl>(std::move(dir))) {
  RaiseDescriptorLimit();
  const std::lock_guard lock(impl_->mutex);
  // Without a world nothing is written yet, so this cannot fail.
  [[maybe_unused]] const Status made = impl_->AddHubPair({1, {}});
}

UsbBus::~UsbBus() {
  std::map<int, std::unique_ptr<WorldView>> worlds;
  std::map<PortPath, std::shared_ptr<UsbDevice>> devices;
  std::vector<std::shared_ptr<UsbDevice>> departed;
  {
    const std::lock_guard lock(impl_->mutex);
    worlds = std::move(impl_->worlds);
    devices = std::move(impl_->devices);
    departed = std::move(impl_->departed);
    impl_->worlds.clear();
    impl_->devices.clear();
    impl_->departed.clear();
  }
  for (const auto& [port, device] : devices) device->Unplug();
  worlds.clear();
  for (const auto& [port, device] : devices) device->Join();
  for (const auto& device : departed) device->Join();
}

Result<UsbAddress> UsbBus::Attach(const PortPath& port, const UsbIdentity& identity,
                                  std::shared_ptr<UsbFunction> function) {
  if (!function) return station::Fail(ErrorCode::kBadRequest, "a device without a function");
  std::vector<std::shared_ptr<UsbDevice>> finished;
  const std::lock_guard lock(impl_->mutex);
  finished = impl_->TakeFinished();
  STATION_CHECK(impl_->CheckPort(port));
  STATION_CHECK(impl_->EnsureHubs(port));
  const std::uint8_t address = impl_->TakeAddress(port.bus);
  if (address == 0) return station::Fail(ErrorCode::kUnavailable, "the bus is full");
  auto device =
      std::make_shared<UsbDevice>(port, address, DescribePhone(identity), std::move(function));
  if (const Status plugged = impl_->Plug(device); !plugged)
    return station::Fail(plugged.error(), "attaching " + station::ToString(port));
  return UsbAddress{port.bus, address};
}

void UsbBus::Detach(const PortPath& port) {
  std::vector<std::shared_ptr<UsbDevice>> finished;
  const std::lock_guard lock(impl_->mutex);
  finished = impl_->TakeFinished();
  const auto found = impl_->devices.find(port);
  if (found == impl_->devices.end() || found->second->Descriptors().is_hub) return;
  impl_->Unplug(std::shared_ptr<UsbDevice>(found->second));
}

void UsbBus::SetHubPower(const PortPath& hub, HubPower power) {
  const std::lock_guard lock(impl_->mutex);
  for (const PortPath& side : {hub, Companion(hub)}) impl_->hub_power[side] = power;
}

void UsbBus::SetOnPower(OnPower on_power) {
  const std::lock_guard lock(impl_->mutex);
  impl_->on_power = std::move(on_power);
}

void UsbBus::DataReady(const PortPath& port) {
  const std::lock_guard lock(impl_->mutex);
  if (const auto found = impl_->devices.find(port); found != impl_->devices.end())
    found->second->Wake();
}

Result<World> UsbBus::CreateWorld(std::optional<std::vector<PortPath>> only) {
  const std::lock_guard lock(impl_->mutex);
  const int id = impl_->next_world++;
  const std::string root = impl_->dir + "/w" + std::to_string(id);
  if (::mkdir(root.c_str(), 0777) != 0) return station::FailErrno("making " + root, errno);
  auto world = std::make_unique<WorldView>(
      root, std::move(only), impl_->server,
      [impl = impl_.get()](const UsbDevice& device) { impl->Configured(device); });
  STATION_CHECK(world->Create());
  for (const auto& [port, device] : impl_->devices) STATION_CHECK(world->Show(device));
  impl_->worlds[id] = std::move(world);
  return World{id, root};
}

void UsbBus::DestroyWorld(int id) {
  const std::lock_guard lock(impl_->mutex);
  impl_->worlds.erase(id);
}

}  // namespace rack
