#pragma once
// The running rack: phones, their bus, the usbmuxd socket, the signer, and the control socket
// through which the other commands reach it.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/rack/control/presence.h"
#include "tests/rack/downloads/server.h"
#include "tests/rack/mux/front.h"
#include "tests/rack/redir/front.h"
#include "tests/rack/signer/server.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {

// A folder with a short path below /tmp (sockets cannot have long ones), removed when it goes.
class ShortFolder {
 public:
  ShortFolder();
  ~ShortFolder();
  ShortFolder(const ShortFolder&) = delete;
  ShortFolder& operator=(const ShortFolder&) = delete;
  [[nodiscard]] const std::string& Path() const { return path_; }

 private:
  std::string path_;
};

// How long a command waits until a phone has done what was asked of it.
inline constexpr std::chrono::seconds kActionPatience{15};

// What `station-rack fault --help` says: every fault there is, by what it befalls.
[[nodiscard]] std::string FaultHelp();

// Where the cart's cables lead: to the programs under `exec`, or through usb-redir sockets into a
// virtual machine. A phone has one cable, so it is one or the other.
enum class Cables { kPrograms, kRedir };

class Rack {
 public:
  // kAlreadyExists when another rack runs in `folder`.
  [[nodiscard]] static station::Result<std::unique_ptr<Rack>> Start(
      std::vector<PhoneSpec> cart, const ProductTable& products,
      const std::filesystem::path& folder, Cables cables = Cables::kPrograms);
  ~Rack();

 private:
  Rack(std::filesystem::path folder, station::Fd lock, std::unique_ptr<SignerServer> signer,
       std::unique_ptr<DownloadServer> downloads);
  [[nodiscard]] station::Status Open(std::vector<PhoneSpec> cart, const RootOfTrust& root,
                                     Cables cables);

  void ServeControl(Stream& stream);
  [[nodiscard]] Value Handle(const Value& request);
  void ServeWorld(Stream& stream, const Value& request);
  void ShowWorld(Stream& stream, const std::string& mux_socket,
                 std::optional<std::vector<station::PortPath>> only);
  [[nodiscard]] std::string MuxSocket() const { return short_.Path() + "/usbmuxd"; }
  [[nodiscard]] Value Status() const;
  [[nodiscard]] Value Publish(const Value& request);
  [[nodiscard]] Value Act(const std::string& command, const std::string& phone,
                          const std::vector<std::string>& words);
  // rack_faults.cc
  [[nodiscard]] station::Status Fault(const std::string& target,
                                      const std::vector<std::string>& words);
  [[nodiscard]] station::Status FaultPhone(Phone& phone, const std::vector<std::string>& words);
  [[nodiscard]] station::Status FaultSigner(const std::vector<std::string>& words);
  [[nodiscard]] station::Status ClearFaults(const std::vector<std::string>& words);
  [[nodiscard]] station::Status FaultHub(const std::vector<std::string>& words);
  [[nodiscard]] station::Status SwitchHub(const station::PortPath& hub, bool on);
  [[nodiscard]] std::vector<std::string> DarkHubs();
  void OnPortPower(const station::PortPath& side, bool on, bool fed);
  [[nodiscard]] std::vector<Phone*> Behind(const station::PortPath& hub) const;
  [[nodiscard]] station::Status SwapPorts(Phone& one, const std::string& other);
  // By name, port, ECID or UDID.
  [[nodiscard]] Phone* FindPhone(const std::string& text) const;

  const std::filesystem::path folder_;
  station::Fd lock_;  // held while the rack runs
  ShortFolder short_;
  std::unique_ptr<SignerServer> signer_;
  std::unique_ptr<DownloadServer> downloads_;
  MuxDevices devices_;
  PairRecords records_;
  UsbBus bus_;
  std::unique_ptr<RedirFront> redir_;  // null: the cables lead to programs
  std::vector<std::unique_ptr<Phone>> phones_;
  MuxFront mux_{devices_, records_};
  std::vector<std::unique_ptr<Presence>> presences_;
  std::mutex mutex_;
  int next_world_ = 1;
  std::mutex hubs_mutex_;
  std::map<std::string, std::vector<Phone*>>
      dark_hubs_;                          // without power, and who was plugged there
  std::set<Phone*> cut_off_;               // by a host that switched their ports
  std::unique_ptr<SocketServer> control_;  // last: its threads use the rest
};

// Where the control socket of the rack in `folder` is; kNotFound when none runs there.
[[nodiscard]] station::Result<std::string> ControlSocket(const std::filesystem::path& folder);

}  // namespace rack
