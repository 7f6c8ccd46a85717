#include "station/usb/topology.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "station/usb/phone_serial.h"
#include "station/usb/port_power.h"

namespace station::usb {
namespace {

namespace fs = std::filesystem;

// A sysfs with one xHCI controller: bus 1 (USB 2) and bus 2 (USB 3), the port 4 of bus 1 being the
// port 2 of bus 2.
class TopologyTest : public testing::Test {
 protected:
  TopologyTest() {
    std::string name = testing::TempDir() + "sysXXXXXX";
    sys_ = ::mkdtemp(name.data());
    fs::create_directories(sys_ / "bus/usb/devices");
    Bus(1, "480");
    Bus(2, "5000");
    Peers("1-0:1.0/usb1-port4", "2-0:1.0/usb2-port2");
  }
  ~TopologyTest() override { fs::remove_all(sys_); }

  [[nodiscard]] fs::path Controller() const { return sys_ / "devices/pci0000:00/0000:00:14.0"; }
  static void Write(const fs::path& file, const std::string& text) {
    std::ofstream(file) << text << "\n";
  }

  void Bus(int number, const std::string& speed) {
    const std::string hub = "usb" + std::to_string(number);
    fs::create_directories(Controller() / hub / (std::to_string(number) + "-0:1.0"));
    Write(Controller() / hub / "speed", speed);
    fs::create_directory_symlink(Controller() / hub, sys_ / "bus/usb/devices" / hub);
    const std::string interface = std::to_string(number) + "-0:1.0";
    fs::create_directory_symlink(Controller() / hub / interface,
                                 sys_ / "bus/usb/devices" / interface);
  }
  // Port objects as "1-0:1.0/usb1-port4" or "1-4:1.0/1-4-port2", each the other's peer.
  void Peers(const std::string& a, const std::string& b) {
    const fs::path devices = sys_ / "bus/usb/devices";
    fs::create_directories(devices / a);
    fs::create_directories(devices / b);
    fs::create_directory_symlink(fs::canonical(devices / b), devices / a / "peer");
    fs::create_directory_symlink(fs::canonical(devices / a), devices / b / "peer");
  }
  fs::path Device(const std::string& name, const std::string& parent,
                  const std::string& port_object, const std::string& vendor = "05ac",
                  const std::string& product = "12a8") {
    const fs::path folder = fs::canonical(sys_ / "bus/usb/devices" / parent) / name;
    fs::create_directories(folder / (name + ":1.0"));
    Write(folder / "idVendor", vendor);
    Write(folder / "idProduct", product);
    Write(folder / "devnum", "12");
    Write(folder / "busnum", name.substr(0, 1));
    Write(folder / "speed", "480");
    fs::create_directory_symlink(folder, sys_ / "bus/usb/devices" / name);
    fs::create_directory_symlink(folder / (name + ":1.0"),
                                 sys_ / "bus/usb/devices" / (name + ":1.0"));
    if (!port_object.empty() && fs::exists(sys_ / "bus/usb/devices" / port_object))
      fs::create_directory_symlink(fs::canonical(sys_ / "bus/usb/devices" / port_object),
                                   folder / "port");
    return folder;
  }
  [[nodiscard]] std::vector<UsbPhone> Scan() const { return Topology(sys_).Scan(); }

  fs::path sys_;
};

TEST_F(TopologyTest, PhoneIsFoundWithItsPortAndStrings) {
  Write(Device("1-4", "usb1", "1-0:1.0/usb1-port4") / "serial", "00008110000A1B2C3D4E001E");
  const auto phones = Scan();
  ASSERT_EQ(phones.size(), 1U);
  EXPECT_EQ(phones[0].port.value, "pci0000:00/0000:00:14.0:4");
  EXPECT_EQ(ToString(phones[0].path), "1-4");
  EXPECT_EQ(phones[0].device_number, 12);
  EXPECT_EQ(phones[0].mode, PhoneMode::kNormal);
  EXPECT_EQ(phones[0].serial, "00008110000A1B2C3D4E001E");
  EXPECT_EQ(phones[0].speed, "480");
  ASSERT_TRUE(phones[0].other_side.has_value());
  EXPECT_EQ(ToString(*phones[0].other_side), "2-2");
}

TEST_F(TopologyTest, SuperSpeedSide_IsTheSamePort) {
  Device("2-2", "usb2", "2-0:1.0/usb2-port2");
  const auto phones = Scan();
  ASSERT_EQ(phones.size(), 1U);
  EXPECT_EQ(phones[0].port.value, "pci0000:00/0000:00:14.0:4") << "named by its USB 2 side";
  EXPECT_EQ(ToString(*phones[0].other_side), "1-4");
}

TEST_F(TopologyTest, ChangedBusNumbers_LeaveThePortWhatItWas) {
  // After another boot the same controller's buses may be 5 and 6.
  Bus(5, "480");
  Bus(6, "5000");
  Peers("5-0:1.0/usb5-port4", "6-0:1.0/usb6-port2");
  Device("5-4", "usb5", "5-0:1.0/usb5-port4");
  ASSERT_EQ(Scan().size(), 1U);
  EXPECT_EQ(Scan()[0].port.value, "pci0000:00/0000:00:14.0:4") << "so its label is still found";
  EXPECT_EQ(ToString(Scan()[0].path), "5-4");
}

TEST_F(TopologyTest, BehindHub_BothSidesAreOnePort) {
  Device("1-4", "usb1", "1-0:1.0/usb1-port4", "2109", "2817");
  Device("2-2", "usb2", "2-0:1.0/usb2-port2", "2109", "0817");
  Peers("1-4:1.0/1-4-port3", "2-2:1.0/2-2-port3");
  Device("2-2.3", "2-2", "2-2:1.0/2-2-port3");
  EXPECT_EQ(Scan().at(0).port.value, "pci0000:00/0000:00:14.0:4.3");
  Device("1-4.3", "1-4", "1-4:1.0/1-4-port3");
  ASSERT_EQ(Scan().size(), 2U);
  EXPECT_EQ(Scan()[0].port, Scan()[1].port);
  EXPECT_EQ(Topology(sys_).KeyOf(*ParsePortPath("2-2.3"))->value, "pci0000:00/0000:00:14.0:4.3");
}

TEST_F(TopologyTest, WithoutPortLinks_TheChainNamesThePort) {
  Device("1-7", "usb1", "");
  EXPECT_EQ(Scan().at(0).port.value, "pci0000:00/0000:00:14.0:7");
  EXPECT_FALSE(Scan().at(0).other_side.has_value());
}

TEST_F(TopologyTest, WhatIsNoPhone_IsLeftOut) {
  Device("1-4", "usb1", "", "05ac", "0250");  // a keyboard
  Device("1-5", "usb1", "", "0781", "12a8");  // another maker's
  EXPECT_TRUE(Scan().empty());
  EXPECT_TRUE(Topology(sys_ / "nowhere").Scan().empty());
}

TEST_F(TopologyTest, EmptyPort_HasItsKeyToo) {
  EXPECT_EQ(Topology(sys_).KeyOf(*ParsePortPath("2-2"))->value, "pci0000:00/0000:00:14.0:4");
  EXPECT_EQ(Topology(sys_).KeyOf(*ParsePortPath("9-1")).error().code, ErrorCode::kNotFound);
}

TEST(PhoneSerial, ModesFollowFromTheProductId) {
  EXPECT_EQ(ModeOfProductId(0x1227), PhoneMode::kDfu);
  for (const std::uint16_t other : {0x1222, 0x1881, 0xF014})
    EXPECT_EQ(ModeOfProductId(other), PhoneMode::kOther);
  EXPECT_EQ(ModeOfProductId(0x1281), PhoneMode::kRecovery);
  EXPECT_EQ(ModeOfProductId(0x12A8), PhoneMode::kNormal);
  EXPECT_EQ(ModeOfProductId(0x1284), PhoneMode::kNone);
  EXPECT_EQ(ModeOfProductId(0x12B0), PhoneMode::kNone);
}

TEST(PhoneSerial, TokensAndUdids) {
  const auto tokens =
      ParseSerialTokens("SDOM:01 CPID:8015 BDID:02 ECID:000A1B2C3D4E001E IBFL:3D SRNM:[F2LXXXX]");
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->ecid, Ecid{0x000A1B2C3D4E001E});
  EXPECT_EQ(tokens->chip_id, 0x8015U);
  EXPECT_EQ(tokens->board_id, 2U);
  EXPECT_EQ(tokens->serial_number, "F2LXXXX");
  EXPECT_FALSE(ParseSerialTokens(std::string(40, 'a')).has_value());
  EXPECT_FALSE(ParseSerialTokens("").has_value());
  EXPECT_FALSE(ParseSerialTokens("ECID:zz")->ecid.Known());
  EXPECT_EQ(UdidOfSerial("00008110000A1B2C3D4E001E"), "00008110-000A1B2C3D4E001E");
  EXPECT_EQ(UdidOfSerial(std::string(40, 'a')), std::string(40, 'a'));
  EXPECT_EQ(UdidOfSerial(std::string(40, 'f')), "");
  EXPECT_EQ(UdidOfSerial("CPID:8015 ECID:1"), "");
}

TEST_F(TopologyTest, ThePathsOfAPort_AlsoWithNothingPluggedIn) {
  const Topology topology(sys_);
  const std::string controller = "pci0000:00/0000:00:14.0";
  EXPECT_EQ(topology.PathsOf({controller + ":4"}), (std::vector<PortPath>{{1, {4}}, {2, {2}}}));
  EXPECT_EQ(topology.PathsOf({controller + ":3.1"}), (std::vector<PortPath>{{1, {3, 1}}}))
      << "a port without a USB 3 side";
  EXPECT_TRUE(topology.PathsOf({"pci0000:00/0000:00:15.0:4"}).empty());
  EXPECT_TRUE(topology.PathsOf({"nonsense"}).empty());
}

TEST(PortPower, WhatAHubSwitches_AsItsDescriptorSays) {
  EXPECT_EQ(SwitchingOf(0x00E0), PowerSwitching::kAllTogether);
  EXPECT_EQ(SwitchingOf(0x00E9), PowerSwitching::kPortByPort);
  EXPECT_EQ(SwitchingOf(0x000A), PowerSwitching::kNone);
  EXPECT_EQ(SwitchingOf(0x000B), PowerSwitching::kNone);
  EXPECT_EQ(ToString(HubOf({1, {4, 2}})), "1-4");
  EXPECT_TRUE(HubOf({1, {4}}).chain.empty());
}

}  // namespace
}  // namespace station::usb
