#include "tests/rack/redir/front.h"

#include "tests/rack/usb/port_names.h"

namespace rack {
namespace {

station::PortPath HighSpeedSide(const station::PortPath& port) {
  return IsSuperSpeedBus(port.bus) ? Companion(port) : port;
}

}  // namespace

station::Result<std::unique_ptr<RedirFront>> RedirFront::Open(
    const std::filesystem::path& folder, const std::vector<station::PortPath>& ports) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return station::Fail(station::ErrorCode::kIo,
                         "making " + folder.string() + ": " + error.message());
  auto front = std::make_unique<RedirFront>();
  for (const station::PortPath& port : ports) {
    STATION_TRY(opened, RedirPort::Open(folder / (ToString(port) + ".sock")));
    front->ports_[HighSpeedSide(port)] = std::move(opened);
  }
  return front;
}

RedirPort* RedirFront::Find(const station::PortPath& port) const {
  const auto found = ports_.find(HighSpeedSide(port));
  return found == ports_.end() ? nullptr : found->second.get();
}

station::Result<UsbAddress> RedirFront::Attach(const station::PortPath& port,
                                               const UsbIdentity& identity,
                                               std::shared_ptr<UsbFunction> function) {
  RedirPort* const socket = Find(port);
  if (socket == nullptr)
    return station::Fail(station::ErrorCode::kNotFound, "no cable at " + ToString(port));
  if (!socket->Plug({DescribePhone(identity), std::move(function)}))
    return station::Fail(station::ErrorCode::kAlreadyExists, ToString(port) + " is taken");
  return UsbAddress{port.bus, 0};
}

void RedirFront::Detach(const station::PortPath& port) {
  if (RedirPort* const socket = Find(port)) socket->Unplug();
}

void RedirFront::DataReady(const station::PortPath& port) {
  if (RedirPort* const socket = Find(port)) socket->Wake();
}

}  // namespace rack
