#include "tests/simulation/floor.h"

#include <fmt/format.h>

#include <algorithm>

namespace station::simulation {

int Floor::AddHub(Hub hub) {
  hubs_.push_back(hub);
  return static_cast<int>(hubs_.size()) - 1;
}

int Floor::AddSite(int hub, PortPath path) {
  Site site;
  site.key.value = fmt::format("pci0000:00/0000:00:{:02x}.0:", hubs_[Index(hub)].controller + 0x14);
  for (std::size_t i = 0; i < path.chain.size(); ++i)
    site.key.value += (i == 0 ? "" : ".") + std::to_string(path.chain[i]);
  site.path = std::move(path);
  site.hub = hub;
  const int number = static_cast<int>(sites_.size());
  by_key_.emplace(site.key, number);
  sites_.push_back(std::move(site));
  shown_.push_back(kNone);
  return number;
}

int Floor::AddPhone(Phone phone) {
  phones_.push_back(std::move(phone));
  return static_cast<int>(phones_.size()) - 1;
}

void Floor::Plug(int phone, int site) {
  if (PhoneAt(phone).site != kNone || sites_[Index(site)].phone != kNone) return;
  PhoneAt(phone).site = site;
  sites_[Index(site)].phone = phone;
  if (PhoneAt(phone).reboot == 0) Attach(phone);
}

// On battery, a phone without a system ends up in recovery mode.
void Floor::Unplug(int phone) {
  const int site = PhoneAt(phone).site;
  if (site == kNone) return;
  PhoneAt(phone).attached = false;
  Show(site);
  PhoneAt(phone).site = kNone;
  sites_[Index(site)].phone = kNone;
  if (PhoneAt(phone).mode == PhoneMode::kRestore) PhoneAt(phone).mode = PhoneMode::kRecovery;
}

void Floor::SetPower(int hub, bool on) {
  hubs_[Index(hub)].powered = on;
  for (std::size_t site = 0; site < sites_.size(); ++site) {
    if (!Below(static_cast<int>(site), hub)) continue;
    const int phone = sites_[site].phone;
    if (phone != kNone && on) {
      Phone& there = PhoneAt(phone);
      if (there.mode == PhoneMode::kRestore) there.mode = PhoneMode::kRecovery;
      there.device_number = ++last_device_;
    }
    Show(static_cast<int>(site));
  }
}

void Floor::Reboot(int phone, Millis leaves_after, Millis takes, PhoneMode mode) {
  const int number = PhoneAt(phone).reboot = ++last_reboot_;
  clock_.After(leaves_after, [this, phone, number, takes, mode] {
    if (PhoneAt(phone).reboot != number) return;
    Detach(phone);
    clock_.After(takes, [this, phone, number, mode] {
      if (PhoneAt(phone).reboot != number) return;
      PhoneAt(phone).reboot = 0;
      PhoneAt(phone).mode = mode;
      Attach(phone);
    });
  });
}

void Floor::Detach(int phone) {
  PhoneAt(phone).attached = false;
  if (PhoneAt(phone).site != kNone) Show(PhoneAt(phone).site);
}

void Floor::Attach(int phone) {
  Phone& there = PhoneAt(phone);
  if (there.site == kNone) return;
  there.attached = true;
  there.device_number = ++last_device_;
  Show(there.site);
}

int Floor::SiteOf(const PortKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? kNone : found->second;
}

int Floor::Visible(int site) const { return shown_[Index(site)]; }

bool Floor::Powered(int hub) const {
  for (; hub != kNone; hub = hubs_[Index(hub)].parent)
    if (!hubs_[Index(hub)].powered) return false;
  return true;
}

bool Floor::Below(int site, int hub) const {
  const std::vector<int> above = HubsAbove(site);
  return std::ranges::find(above, hub) != above.end();
}

std::vector<int> Floor::HubsAbove(int site) const {
  std::vector<int> above;
  for (int hub = sites_[Index(site)].hub; hub != kNone; hub = hubs_[Index(hub)].parent)
    above.push_back(hub);
  return above;
}

std::set<daemon::MuxPhone> Floor::MuxList() const {
  std::set<daemon::MuxPhone> listed;
  for (const usb::UsbPhone& phone : bus_)
    if (phone.mode == PhoneMode::kNormal)
      listed.insert({.bus = phone.path.bus, .device_number = phone.device_number, .udid = phone.serial});
  return listed;
}

usb::UsbPhone Floor::AsUsb(const Site& site, const Phone& phone) const {
  usb::UsbPhone seen;
  seen.port = site.key;
  seen.path = site.path;
  const bool on_mux = phone.mode == PhoneMode::kNormal || phone.mode == PhoneMode::kRestore;
  seen.mode = on_mux ? PhoneMode::kNormal : phone.mode;
  seen.product_id = on_mux ? 0x12A8 : phone.mode == PhoneMode::kDfu ? 0x1227 : 0x1281;
  seen.serial = on_mux ? phone.udid
                       : fmt::format(
                             "CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:02 ECID:{:016X} "
                             "IBFL:3D SRNM:[{}]",
                             phone.ecid.value, phone.serial_number);
  seen.speed = "480";
  seen.device_number = phone.device_number;
  return seen;
}

void Floor::Show(int site) {
  const Site& here = sites_[Index(site)];
  const bool there = here.phone != kNone && PhoneAt(here.phone).attached && Powered(here.hub);
  const auto in_bus = std::ranges::lower_bound(bus_, here.key, {}, &usb::UsbPhone::port);
  const bool shown = in_bus != bus_.end() && in_bus->port == here.key;
  if (shown && there && shown_[Index(site)] == here.phone &&
      in_bus->device_number == PhoneAt(here.phone).device_number)
    return;
  if (shown) {
    bus_.erase(in_bus);
    on_left(site, std::exchange(shown_[Index(site)], kNone));
  }
  if (!there) return;
  shown_[Index(site)] = here.phone;
  bus_.insert(std::ranges::lower_bound(bus_, here.key, {}, &usb::UsbPhone::port),
              AsUsb(here, PhoneAt(here.phone)));
  on_came(site, here.phone);
}

}  // namespace station::simulation
