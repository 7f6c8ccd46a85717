#pragma once
// A whole workshop for a test: simulated phones on cables that lead into a virtual machine, and in
// it a stock kernel, udev, the real usbmuxd, unmodified tools and the station. What is asserted is
// what the rack says is on the phones.

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/process.h"

namespace station::system_test {

using integration::Finished;

struct WorkshopOptions {
  std::string cart{};  // YAML of the rack
  // Ports that hold a hub, "2" before "2.1"; options of QEMU's may follow a comma.
  std::vector<std::string> hubs{};
  std::uint64_t os_size = 8 << 20;  // bytes of each forged OS image
  std::string disk{};               // image of a Debian to boot in place of the host's /usr
};

struct Forged {
  std::string guest_path;
  std::string sha256;
  std::string os_digest;
  std::string build;
};

// A phone of the cart: P1 and so on, in `mode` ("normal", "recovery", "dfu"); `more` of its keys.
[[nodiscard]] std::string Row(int number, const std::string& port, const std::string& mode,
                              const std::string& more = "");

class Workshop {
 public:
  explicit Workshop(WorkshopOptions options);
  ~Workshop();

  void Start();
  void StartRack();
  // Boots; fails the test when the guest is not up in time.
  void StartGuest();
  void StopGuest();
  // The next boot finds another USB controller first, so that the phones' buses have other numbers.
  void PutControllerBefore(bool other) { other_controller_ = other; }

  // Before irecovery and idevicerestore: Debian 12's crash beside other phones without it
  // (keep_device_lists.cc).
  static constexpr const char* kKeepLists = "LD_PRELOAD=/station/libkeep_device_lists.so ";
  static constexpr const char* kSignerUrl = "http://127.0.0.1:8099";  // in the guest
  // Runs a shell script in the guest: what it printed (both streams) and its exit code, 137 after
  // `seconds`.
  [[nodiscard]] Finished InGuest(const std::string& script, int seconds = 60);
  // The real daemon, in the foreground of a shell of its own; its log is kept.
  void StartUsbmuxd(const std::string& options = "");
  // Ends and starts it when it no longer answers: 1.1.1 can wait for ever for a transfer of a phone
  // that left while it was sending to it (its issue 114). A quick machine seldom meets that; an
  // emulated one does at every other restore.
  void WatchUsbmuxd();
  // Until `idevice_id -l` lists them all.
  bool AwaitListed(const std::vector<std::string>& udids, int seconds);

  void StartStation();
  [[nodiscard]] Finished Ctl(const std::string& words, int seconds = 60);
  [[nodiscard]] YAML::Node CtlJson(const std::string& words);
  // The port at which the station sees that phone, once it has identified it; all empty when
  // nowhere.
  struct Place {
    std::string key;   // what it is remembered by
    std::string path;  // where it is now
    std::string speed;
  };
  [[nodiscard]] Place PlaceOf(const std::string& phone);
  // Until the station says so of the port that has this key.
  bool AwaitPortState(const std::string& key, const std::string& state, int seconds);
  // Once the station has identified the phone: arms its port.
  void Arm(const std::string& phone);
  // The station says done, and the rack that the phone is erased and holds `firmware`.
  void AwaitRestored(const std::string& phone, const Forged& firmware, int seconds = 300);
  void ExpectRestored(const std::string& phone, const Forged& firmware);

  // What the guest sees as /exchange.
  [[nodiscard]] std::filesystem::path Exchange() const { return dir_ / "exchange"; }
  [[nodiscard]] Forged Forge(const std::string& manifest);
  Forged Import(const std::string& manifest);
  [[nodiscard]] Finished Rack(std::vector<std::string> words);
  // The station's word on the last job of the port that was armed for it.
  [[nodiscard]] YAML::Node LastJob(const std::string& phone);
  [[nodiscard]] YAML::Node Phone(const std::string& name);
  // Until it holds; fails the test (naming `what`) after `seconds`.
  bool Await(const std::string& what, const std::function<bool()>& holds, int seconds);
  // Lines of the rack's log, or the station's, that hold `what`.
  [[nodiscard]] std::vector<std::string> RackLog(const std::string& what) const;
  [[nodiscard]] std::vector<std::string> StationLog(const std::string& what) const;
  // What its processes on this machine have in their command lines.
  [[nodiscard]] std::string Folder() const { return dir_; }
  // A line of figures that the run prints and keeps.
  static void Note(const std::string& what);

 private:
  [[nodiscard]] std::vector<std::string> Machine() const;

  WorkshopOptions options_;
  std::filesystem::path dir_;
  std::string signer_port_;
  int jobs_ = 0;
  bool other_controller_ = false;
  std::map<std::string, std::string> armed_;  // key of the port, by phone
  integration::Background rack_;
  integration::Background guest_;
};

}  // namespace station::system_test
