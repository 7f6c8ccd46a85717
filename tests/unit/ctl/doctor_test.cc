#include "station/ctl/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace station::ctl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Folder {
 public:
  Folder() {
    std::string pattern = "/tmp/doctor-test-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& Path() const { return path_; }
  void Write(const fs::path& file, const std::string& text) const {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text << "\n";
  }

 private:
  fs::path path_;
};

struct FakeDevice {
  std::string name;
  std::string parents;  // below the controller, with the device itself
  std::string vendor = "05ac";
  std::string product = "12a8";
  std::string serial = "abc";
  int speed = 480;
  bool configured = true;
};

void Plug(const Folder& sys, const FakeDevice& device) {
  const fs::path below = "devices/pci0000:00/0000:00:14.0/" + device.parents;
  sys.Write("devices/pci0000:00/0000:00:14.0/vendor", "0x8086");
  sys.Write(below / "idVendor", device.vendor);
  sys.Write(below / "idProduct", device.product);
  sys.Write(below / "serial", device.serial);
  sys.Write(below / "speed", std::to_string(device.speed));
  sys.Write(below / "bConfigurationValue", device.configured ? "4" : "");
  const std::size_t dash = device.name.find('-');
  sys.Write(below / "devpath", dash == std::string::npos ? "0" : device.name.substr(dash + 1));
  sys.Write(below / "ep_00/type", "Control");
  sys.Write(below / (device.name + ":1.1/ep_04/type"), "Bulk");
  sys.Write(below / (device.name + ":1.1/ep_85/type"), "Bulk");
  fs::create_directories(sys.Path() / "bus/usb/devices");
  fs::create_symlink(sys.Path() / below, sys.Path() / "bus/usb/devices" / device.name);
}

TEST(DoctorUsbTest, ReadsWhatSysfsSays) {
  const Folder sys;
  Plug(sys, {.name = "usb1", .parents = "usb1", .vendor = "1d6b", .product = "0002"});
  Plug(sys, {.name = "1-4.2", .parents = "usb1/1-4/1-4.2", .serial = "abc"});
  const auto devices = ReadUsb(sys.Path());
  ASSERT_THAT(devices, SizeIs(2));
  EXPECT_EQ(devices[0].name, "1-4.2");
  EXPECT_EQ(devices[0].controller, "pci0000:00/0000:00:14.0");
  EXPECT_EQ(devices[0].controller_vendor, 0x8086);
  EXPECT_EQ(devices[0].depth, 2);
  EXPECT_EQ(devices[0].endpoints, 3);
  EXPECT_TRUE(devices[0].configured);
  EXPECT_TRUE(IsPhone(devices[0]));
  EXPECT_FALSE(IsPhone(devices[1]));
  EXPECT_EQ(devices[1].depth, 0);
}

UsbDevice Phone(const std::string& name) {
  UsbDevice device;
  device.name = name;
  device.controller = "pci0000:00/0000:00:14.0";
  device.serial = "00008030001A2B3C4D5E6F70";
  device.vendor = 0x05ac;
  device.product = 0x12a8;
  device.speed_mbit = 480;
  device.depth = 2;
  device.endpoints = 8;
  device.configured = true;
  device.controller_vendor = 0x8086;
  return device;
}

TEST(DoctorUsbTest, SoundPhonesAreOneLine) {
  const std::set<std::string> mux = {"00008030001A2B3C4D5E6F70"};
  const auto findings = CheckPhones({Phone("1-1"), Phone("1-2")}, &mux);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].health, Health::kOk);
  EXPECT_EQ(findings[0].detail, "2 on the bus");
}

TEST(DoctorUsbTest, EachFaultOfAPhoneIsNamed) {
  const std::set<std::string> nobody;
  UsbDevice slow = Phone("1-1");
  slow.speed_mbit = 12;
  UsbDevice charging = Phone("1-2");
  charging.configured = false;
  UsbDevice deep = Phone("1-1.1.1.1.1.1");
  deep.depth = 6;
  struct Case {
    UsbDevice phone;
    const std::set<std::string>* mux;
    const char* detail;
    Health health;
  };
  for (const Case& expected :
       {Case{slow, nullptr, "slow: 12 Mbit/s", Health::kWarn},
        Case{charging, nullptr, "charges only", Health::kFail},
        Case{Phone("1-3"), &nobody, "usbmuxd does not see it", Health::kFail},
        Case{deep, nullptr, "behind 5 hubs", Health::kWarn}}) {
    const auto findings = CheckPhones({expected.phone}, expected.mux);
    ASSERT_THAT(findings, SizeIs(1)) << expected.detail;
    EXPECT_THAT(findings[0].detail, HasSubstr(expected.detail));
    EXPECT_EQ(findings[0].health, expected.health);
    EXPECT_FALSE(findings[0].what_to_do.empty());
    EXPECT_EQ(findings[0].name, "port " + expected.phone.name);
  }
}

TEST(DoctorUsbTest, APhoneInRecoveryIsNotExpectedInUsbmuxd) {
  const std::set<std::string> nobody;
  UsbDevice phone = Phone("1-1");
  phone.product = 0x1281;
  EXPECT_EQ(CheckPhones({phone}, &nobody).at(0).health, Health::kOk);
}

TEST(DoctorUsbTest, AControllerNearItsLimitIsPointedOut) {
  std::vector<UsbDevice> devices;
  for (int i = 0; i < 9; ++i) devices.push_back(Phone("1-" + std::to_string(i)));
  EXPECT_EQ(CheckControllers(devices).at(0).health, Health::kOk);
  for (int i = 0; i < 2; ++i) devices.push_back(Phone("1-9." + std::to_string(i)));
  EXPECT_EQ(CheckControllers(devices).at(0).health, Health::kWarn);
  for (int i = 2; i < 4; ++i) devices.push_back(Phone("1-9." + std::to_string(i)));
  const Finding finding = CheckControllers(devices).at(0);
  EXPECT_EQ(finding.health, Health::kFail);
  EXPECT_EQ(finding.name, "controller 0000:00:14.0");
  EXPECT_EQ(finding.detail, "13 devices, 104 of about 96 endpoints");
  EXPECT_EQ(CheckControllers({}).at(0).health, Health::kWarn);
}

TEST(DoctorHostTest, FindsTheStationsUdevRules) {
  const Folder etc;
  etc.Write("rules.d/39-usbmuxd.rules", "");
  EXPECT_EQ(CheckUdevRules({etc.Path() / "rules.d", "/no/such"}).health, Health::kWarn);
  etc.Write("rules.d/60-station.rules", "");
  EXPECT_EQ(CheckUdevRules({etc.Path() / "rules.d"}).health, Health::kOk);
}

TEST(DoctorHostTest, AStoreThatIsNotThereIsAFailure) {
  EXPECT_EQ(CheckDisk("/no/such/store").health, Health::kFail);
  EXPECT_THAT(CheckDisk("/").detail, HasSubstr("free in /"));
}

TEST(DoctorHostTest, AClosedPortIsAFailureAndAnUnreadableUrlToo) {
  const auto limit = std::chrono::milliseconds(500);
  EXPECT_EQ(CheckReachable("signing", "http://127.0.0.1:1/TSS", "", limit).health, Health::kFail);
  EXPECT_EQ(CheckReachable("signing", "https://", "", limit).health, Health::kFail);
  EXPECT_EQ(CheckReachable("signing", "http://[::1", "", limit).health, Health::kFail);
  EXPECT_THAT(
      CheckReachable("signing", "https://gs.apple.com/", "http://u:p@127.0.0.1:1", limit).detail,
      HasSubstr("127.0.0.1:1 (the proxy)"));
}

TEST(DoctorMuxTest, AnAbsentDaemonIsAFailureWithARemedy) {
  const auto devices = ListMuxDevices("UNIX:/no/such/socket");
  ASSERT_FALSE(devices);
  EXPECT_EQ(devices.error().code, ErrorCode::kMuxUnreachable);
  const Finding finding = CheckMux(devices, "UNIX:/no/such/socket", "");
  EXPECT_EQ(finding.health, Health::kFail);
  EXPECT_THAT(finding.what_to_do, HasSubstr("systemctl start usbmuxd"));
}

}  // namespace
}  // namespace station::ctl
