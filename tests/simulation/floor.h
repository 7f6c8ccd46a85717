#pragma once
// What stands in the room: controllers, hubs within hubs, ports, phones. It knows nothing of the
// station; it shows what a host would see of it, and who hears of changes is told.

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "station/daemon/cart/cart.h"
#include "station/usb/topology.h"
#include "tests/simulation/clock.h"

namespace station::simulation {

inline constexpr int kNone = -1;

// A controller, or a hub on one or on another hub.
struct Hub {
  int parent = kNone;
  int controller = 0;
  bool powered = true;
  double bytes_per_second = 0;  // all that is below it, together
};

struct Site {
  PortKey key;
  PortPath path;
  int hub = 0;
  int phone = kNone;
};

// What is on a phone's flash.
enum class Flash : std::uint8_t { kAsItCame, kDestroyed, kRestored };

struct Phone {
  Ecid ecid;
  Ecid says;  // in normal mode; another one's for a liar
  std::string udid;
  std::string serial_number;
  std::string product;
  double bytes_per_second = 0;
  Flash flash = Flash::kAsItCame;
  PhoneMode mode = PhoneMode::kNormal;  // kRestore is told from kNormal only by asking
  int site = kNone;                     // where its cable is
  bool attached = false;                // it is on the bus, as far as it goes
  int reboot = 0;                       // the number of the one under way; 0: none
  bool refuses_recovery = false;        // its system does not enter it; its buttons do
  std::uint16_t device_number = 0;
};

// How many phones are worked on at once.
struct Limits {
  std::size_t restores = 0;
  std::size_t identifies = 0;
  std::size_t at_controller = 0;  // restores
  std::size_t at_hub = 0;         // restores, of phones plugged into it
};

class Floor {
 public:
  explicit Floor(Clock& clock) : clock_(clock) {}

  int AddHub(Hub hub);
  int AddSite(int hub, PortPath path);
  int AddPhone(Phone phone);

  // A hand, or the power.
  void Plug(int phone, int site);
  void Unplug(int phone);
  void SetPower(int hub, bool on);
  // The phone itself: it leaves the bus after a while, and comes back in another mode, wherever its
  // cable is by then.
  void Reboot(int phone, Millis leaves_after, Millis takes, PhoneMode mode);

  [[nodiscard]] const std::vector<Hub>& Hubs() const { return hubs_; }
  [[nodiscard]] const std::vector<Site>& Sites() const { return sites_; }
  [[nodiscard]] const std::vector<Phone>& Phones() const { return phones_; }
  [[nodiscard]] Phone& PhoneAt(int phone) { return phones_[Index(phone)]; }
  [[nodiscard]] const Phone& PhoneAt(int phone) const { return phones_[Index(phone)]; }
  [[nodiscard]] int SiteOf(const PortKey& key) const;
  // The phone the host sees there; kNone.
  [[nodiscard]] int Visible(int site) const;
  [[nodiscard]] bool Powered(int hub) const;
  [[nodiscard]] bool Below(int site, int hub) const;
  // From the phone's hub up to its controller.
  [[nodiscard]] std::vector<int> HubsAbove(int site) const;

  [[nodiscard]] const std::vector<usb::UsbPhone>& Bus() const { return bus_; }
  [[nodiscard]] std::set<daemon::MuxPhone> MuxList() const;

  // Told at once; hosts hear of it as late as they do. `phone` is what left or came.
  std::function<void(int site, int phone)> on_left = [](int, int) {};
  std::function<void(int site, int phone)> on_came = [](int, int) {};

 private:
  static std::size_t Index(int number) { return static_cast<std::size_t>(number); }
  void Attach(int phone);
  void Detach(int phone);
  void Show(int site);  // brings bus_ up to date there
  [[nodiscard]] usb::UsbPhone AsUsb(const Site& site, const Phone& phone) const;

  Clock& clock_;
  std::vector<Hub> hubs_;
  std::vector<Site> sites_;
  std::vector<Phone> phones_;
  std::vector<int> shown_;  // by site: the phone in bus_, or kNone
  std::vector<usb::UsbPhone> bus_;
  std::map<PortKey, int> by_key_;
  std::uint16_t last_device_ = 0;
  int last_reboot_ = 0;
};

}  // namespace station::simulation
