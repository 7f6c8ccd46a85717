// The Debian package in a clean Debian with systemd: what an installation gives, what a restart
// and an upgrade leave alone, what a purge leaves behind.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <tuple>

#include "tests/system/workshop.h"

namespace station::system_test {
namespace {

namespace fs = std::filesystem;

// The unmodified rules of usbmuxd start it for P1; P2 and P3 are there before the station's rules.
constexpr const char* kThreeModes = R"(phones:
  - {name: P1, port: "1-1", product: "iPhone10,1", ecid: "0x1a2b3c4d5e701", os_build: "18H17", mode: normal, timing: {finish: 1}}
  - {name: P2, port: "1-2", product: "iPhone10,1", ecid: "0x1a2b3c4d5e702", os_build: "18H17", mode: recovery, timing: {finish: 1}}
  - {name: P3, port: "1-3", product: "iPhone10,1", ecid: "0x1a2b3c4d5e703", os_build: "18H17", mode: dfu, timing: {finish: 1}}
)";

// What is on the machine: files, users, groups, units, processes' names; not what dpkg, apt,
// journald and systemd themselves keep of what happened.
constexpr const char* kInventory = R"(
find / -xdev \( -path /proc -o -path /sys -o -path /exchange -o -path /tmp/systemd-private-\* \
  -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
  -o -path /var/lib/lockdown -o -path /var/lib/systemd \) -prune -o -print
find /run -path /run/systemd -prune -o -path /run/udev -prune -o -print
ls -d /tmp/systemd-private-*-station* 2>/dev/null
ls -A /var/lib/dpkg/info /var/lib/systemd/deb-systemd-helper-enabled 2>/dev/null
cut -d: -f1,3- /etc/passwd /etc/group
systemctl list-unit-files --no-legend --no-pager | cut -d' ' -f1
ps -eo comm= | grep station)";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::set<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

std::string Without(const std::set<std::string>& all, const std::set<std::string>& known) {
  std::string rest;
  for (const std::string& line : all)
    if (!known.contains(line)) rest += line + "\n";
  return rest;
}

class SystemPackage : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path packages = Variable("STATION_PACKAGES");
    if (packages.empty()) GTEST_SKIP() << "no packages: deploy/test-system --packages";
    ASSERT_NO_FATAL_FAILURE(shop_.Start());
    for (const char* name : {"station.deb", "station-next.deb"})
      fs::copy_file(packages / name, shop_.Exchange() / name);
  }
  void TearDown() override {
    if (HasFailure())
      std::ignore = shop_.InGuest(
          "journalctl --no-pager -b >/exchange/stationd.log; cp -r /var/lib/station /exchange/");
  }

  Finished Root(const std::string& script, int seconds = 180) {
    const Finished done = shop_.InGuest(script, seconds);
    EXPECT_EQ(done.exit_code, 0) << script << "\n" << done.out;
    return done;
  }
  Finished Apt(const std::string& words) {
    return shop_.InGuest("cd /exchange && DEBIAN_FRONTEND=noninteractive apt-get -y -q " + words,
                         400);
  }
  std::set<std::string> Inventory() { return Lines(shop_.InGuest(kInventory, 200).out); }

  void Install();
  void ExpectServiceStands();
  // As WatchUsbmuxd, of the one that systemd runs.
  void WatchUsbmuxd();
  // Held before its OS image; the job and the processes that carry it.
  struct Held {
    std::string job;
    std::string workers;
  };
  void HoldInMidRestore(const std::string& phone, Held& held);
  void ExpectSame(const std::string& phone, const Held& before);
  void LetGo(const std::string& phone, const Held& before, const Forged& firmware);
  std::string Daemon() { return Root("systemctl show -P MainPID stationd").out; }
  std::string Workers() { return shop_.InGuest("pgrep -f 'station-worker .*--task job-'").out; }

  Workshop shop_{{.cart = kThreeModes, .disk = Variable("STATION_DISK")}};
};

void SystemPackage::Install() {
  const Finished installed = Apt("install ./station.deb");
  ASSERT_EQ(installed.exit_code, 0) << installed.out;
  EXPECT_EQ(Root("systemctl is-active stationd").out, "active\n");
  EXPECT_EQ(Root("systemctl is-enabled stationd").out, "enabled\n");
  Root("sed -i 's,^  url: .*,  url: \"" + std::string(Workshop::kSignerUrl) +
       "\",' /etc/station/station.yaml && systemctl restart stationd");
}

void SystemPackage::ExpectServiceStands() {
  EXPECT_EQ(Root("systemctl --failed --no-legend --plain").out, "");
  EXPECT_EQ(
      Root("stat -c '%U:%G %a %n' /run/station /var/lib/station /etc/station/station.yaml").out,
      "station:station 750 /run/station\nstation:station 750 /var/lib/station\n"
      "root:root 644 /etc/station/station.yaml\n");
  EXPECT_EQ(Root("id -nG station").out, "station plugdev\n");
  EXPECT_EQ(Root("ps -o user:20= -C stationd").out, "station\n");
  for (const char* socket : {"viewer", "operator", "admin"})
    EXPECT_EQ(Root("stat -c '%U:%G %A' /run/station/" + std::string(socket) + ".sock").out,
              "station:station srw-rw----\n");
  EXPECT_NE(shop_.InGuest("setpriv --reuid nobody --regid nogroup --clear-groups stationctl ports")
                .exit_code,
            0)
      << "anybody may use the sockets";
  // Phones that stood there before the rules came, too.
  for (const char* port : {"1-2", "1-3"})
    EXPECT_EQ(Root("stat -c '%G %a' /dev/bus/usb/$(cd /sys/bus/usb/devices/" + std::string(port) +
                   " && printf %03d/%03d $(cat busnum devnum))")
                  .out,
              "station 660\n");
}

void SystemPackage::WatchUsbmuxd() {
  Root(R"((while sleep 2; do
  [ -e /sys/bus/usb/devices/1-1/idProduct ] || continue
  timeout 12 idevice_id -l >/dev/null 2>&1 || { sleep 1; timeout 12 idevice_id -l >/dev/null 2>&1; } && continue
  echo hung >>/exchange/usbmuxd.hung
  systemctl kill -s KILL usbmuxd; systemctl start usbmuxd
done) >/dev/null 2>&1 &)");
}

void SystemPackage::HoldInMidRestore(const std::string& phone, Held& held) {
  ASSERT_EQ(shop_.Rack({"fault", phone, "hold-at-step", "system-image"}).exit_code, 0);
  ASSERT_NO_FATAL_FAILURE(shop_.Arm(phone));
  ASSERT_TRUE(shop_.Await(
      phone + " waits before its image",
      [&] {
        const YAML::Node at = shop_.Phone(phone)["held_at"];
        return at && at.IsScalar() && at.as<std::string>() == "system-image";
      },
      400));
  const YAML::Node running = shop_.CtlJson("jobs --running")["jobs"];
  ASSERT_EQ(running.size(), 1U);
  held.job = running[0]["id"].as<std::string>();
  held.workers = Workers();
  ASSERT_FALSE(held.workers.empty());
}

void SystemPackage::ExpectSame(const std::string& phone, const Held& before) {
  EXPECT_TRUE(shop_.Await(
      "the daemon answers", [&] { return shop_.Ctl("status").exit_code == 0; }, 180));
  EXPECT_EQ(Workers(), before.workers) << phone << ": the same processes";
  EXPECT_EQ(Root("systemctl is-active stationd").out, "active\n");
}

void SystemPackage::LetGo(const std::string& phone, const Held& before, const Forged& firmware) {
  ASSERT_EQ(shop_.Rack({"fault", phone, "none"}).exit_code, 0);
  shop_.AwaitRestored(phone, firmware, 400);
  const YAML::Node job = shop_.LastJob(phone);
  EXPECT_EQ(job["id"].as<std::string>(), before.job);
  EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_RESTORED");
  EXPECT_EQ(job["attempt"].as<int>(), 1);
  EXPECT_EQ(shop_.Phone(phone)["restores_completed"].as<int>(), 1);
}

TEST_F(SystemPackage, InstalledRestartedUpgradedPurged) {
  const std::set<std::string> clean = Inventory();
  ASSERT_NO_FATAL_FAILURE(Install());
  ExpectServiceStands();
  WatchUsbmuxd();
  const Forged firmware = shop_.Forge("iphone8_ios15");
  Root("mv " + firmware.guest_path +
       " /tmp/ && stationctl firmware add /tmp/iphone8_ios15.ipsw --sha256 " + firmware.sha256 +
       " && rm /tmp/iphone8_ios15.ipsw");
  ASSERT_NO_FATAL_FAILURE(shop_.Arm("P1"));
  shop_.AwaitRestored("P1", firmware, 400);

  // The station asks for a new usbmuxd, and gets one.
  const std::string usbmuxd = Root("systemctl show -P MainPID usbmuxd").out;
  Root("setpriv --reuid station --regid station --clear-groups touch /run/station/usbmuxd.restart");
  EXPECT_TRUE(shop_.Await(
      "another usbmuxd",
      [&] { return Root("systemctl show -P MainPID usbmuxd").out != usbmuxd; }, 60));

  Held restarted;
  ASSERT_NO_FATAL_FAILURE(HoldInMidRestore("P2", restarted));
  const std::string first = Daemon();
  Root("systemctl restart stationd");
  ExpectSame("P2", restarted);
  EXPECT_NE(Daemon(), first);
  ASSERT_NO_FATAL_FAILURE(LetGo("P2", restarted, firmware));

  Held upgraded;
  ASSERT_NO_FATAL_FAILURE(HoldInMidRestore("P3", upgraded));
  EXPECT_NE(Apt("purge station").exit_code, 0) << "removed under a phone";
  ExpectSame("P3", upgraded);
  const std::string second = Daemon();
  Root("systemctl disable stationd");
  const Finished upgrade = Apt("install ./station-next.deb");
  EXPECT_EQ(upgrade.exit_code, 0) << upgrade.out;
  EXPECT_NE(Root("dpkg-query -W -f '${Version} ${Status}' station").out.find("+next install ok"),
            std::string::npos);
  EXPECT_NE(Root("cat /etc/station/station.yaml").out.find(Workshop::kSignerUrl), std::string::npos)
      << "the upgrade took the operator's configuration";
  EXPECT_NE(shop_.InGuest("systemctl is-enabled stationd").exit_code, 0) << "nor his choice";
  EXPECT_NE(Daemon(), second);
  Root("systemctl enable stationd");
  ExpectSame("P3", upgraded);
  ASSERT_NO_FATAL_FAILURE(LetGo("P3", upgraded, firmware));

  const Finished purged = Apt("purge station");
  EXPECT_EQ(purged.exit_code, 0) << purged.out;
  EXPECT_EQ(Without(Inventory(), clean), "");
}

}  // namespace
}  // namespace station::system_test
