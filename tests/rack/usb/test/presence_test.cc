// What is plugged in where: enumeration, hotplug, worlds, sysfs.

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/rack/usb/descriptors.h"
#include "tests/rack/usb/test/bus_test.h"

namespace rack {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Optional;

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class PresenceTest : public PreloadTest {};
class TreeTest : public BusTest {};

TEST_F(PresenceTest, Hotplug_CallbacksFireAndThePortStaysWhileTheAddressChanges) {
  const World world = MakeWorld();
  Client client(world, {ProbePath(), "watch", "4"});
  ASSERT_THAT(client.ReadLine(), Optional(std::string("watching")));
  Attach("1-4.2", Dfu());
  EXPECT_THAT(client.ReadLine(), Optional(std::string("arrived 1-4.2 3 05ac:1227")));
  bus_.Detach(Port("1-4.2"));
  EXPECT_THAT(client.ReadLine(), Optional(std::string("left 1-4.2 3 05ac:1227")));
  Attach("1-4.2", Recovery());
  EXPECT_THAT(client.ReadLine(), Optional(std::string("arrived 1-4.2 4 05ac:1281")));
  bus_.Detach(Port("1-4.2"));
  EXPECT_THAT(client.ReadLine(), Optional(std::string("left 1-4.2 4 05ac:1281")));
  EXPECT_EQ(client.Wait(), 0);
}

TEST_F(PresenceTest, ManyArrivalsAtOnce_AreAllHeardOf) {
  const World world = MakeWorld();
  Client client(world, {ProbePath(), "watch", "40"});
  ASSERT_THAT(client.ReadLine(), Optional(std::string("watching")));
  std::set<std::string> expected;
  for (int hub = 1; hub <= 4; ++hub)
    for (int port = 1; port <= 10; ++port) {
      const std::string name = "1-" + std::to_string(hub) + "." + std::to_string(port);
      Attach(name, Recovery());
      expected.insert(name);
    }
  std::set<std::string> heard;
  while (const auto line = client.ReadLine()) heard.insert(line->substr(8, line->find(' ', 8) - 8));
  EXPECT_EQ(heard, expected);
}

TEST_F(PresenceTest, SixtyFourPhones_AreListedWithTheirSerials) {
  std::vector<std::string> serials;
  for (int i = 0; i < 64; ++i) {
    char ecid[32];
    std::snprintf(ecid, sizeof ecid, "%016X", 0x1000 + i);
    Attach("1-" + std::to_string(1 + i / 16) + "." + std::to_string(1 + i % 16), Recovery(ecid));
    serials.emplace_back(std::string("ECID:") + ecid);
  }
  const std::string list = RunClient(MakeWorld(), {ProbePath(), "list"});
  for (const std::string& serial : serials) EXPECT_THAT(list, HasSubstr(serial));
}

TEST_F(PresenceTest, FilteredWorld_ShowsItsPortAndTheHubsOnTheWayOnly) {
  Attach("1-4.2", Recovery("000000000000AAAA"));
  Attach("1-5.1", Recovery("000000000000BBBB"));
  const World world = MakeWorld({{Port("1-5.1")}});
  const std::string list = RunClient(world, {ProbePath(), "list"});
  EXPECT_THAT(list, HasSubstr("1-5.1 "));
  EXPECT_THAT(list, HasSubstr("1-5 "));
  EXPECT_THAT(list, HasSubstr("2-5 "));
  EXPECT_THAT(list, Not(HasSubstr("1-4")));
  EXPECT_THAT(list, Not(HasSubstr("AAAA")));
}

TEST_F(PresenceTest, SuperSpeedPhone_IsSeenOnItsBusWithItsSpeed) {
  Attach("2-4.2", Mux(UsbSpeed::kSuper5G));
  constexpr const char* kSuper = "speed=4";  // LIBUSB_SPEED_SUPER
  const std::string list = RunClient(MakeWorld(), {ProbePath(), "list"});
  EXPECT_THAT(list, HasSubstr(std::string("2-4.2 3 05ac:12a8 ") + kSuper));
}

TEST_F(PresenceTest, Strings_NoncesAtIndexOneAndAStallWhereThereIsNone) {
  UsbIdentity identity = Recovery();
  identity.nonces = "";
  identity.serial = "S";
  Attach("1-4.2", identity);
  const std::string said = RunClient(MakeWorld(), {ProbePath(), "strings", "1-4.2"});
  EXPECT_THAT(said, HasSubstr("0: 4 04 03 09 04\n"));
  EXPECT_THAT(said, HasSubstr("1: -9\n"));
  EXPECT_THAT(said, HasSubstr("4: 4 04 03 53 00\n"));
}

TEST_F(PresenceTest, Lsusb_ReadsTheTree) {
  if (!std::filesystem::exists("/usr/bin/lsusb")) GTEST_SKIP() << "lsusb is not installed";
  Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  EXPECT_THAT(RunClient(world, {"lsusb"}), HasSubstr("Bus 001 Device 003: ID 05ac:1281"));
  EXPECT_THAT(RunClient(world, {"lsusb", "-t"}), HasSubstr("Port 2: Dev 3, If 0"));
}

TEST_F(TreeTest, Attributes_AreThoseOfARealHost) {
  const World world = MakeWorld();
  Attach("1-4.2", Recovery());
  const std::string folder = world.root + "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2/";
  const std::vector<std::pair<const char*, const char*>> expected = {
      {"busnum", "1\n"},         {"devnum", "3\n"},
      {"devpath", "4.2\n"},      {"speed", "480\n"},
      {"idVendor", "05ac\n"},    {"idProduct", "1281\n"},
      {"bcdDevice", "0000\n"},   {"manufacturer", "Apple Inc.\n"},
      {"version", " 2.00\n"},    {"bConfigurationValue", "1\n"},
      {"maxchild", "0\n"},       {"bNumConfigurations", "1\n"},
      {"bNumInterfaces", " 2\n"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(ReadText(folder + name), value) << name;
  EXPECT_THAT(ReadText(folder + "uevent"), HasSubstr("DEVTYPE=usb_device\n"));
  EXPECT_EQ(ReadText(folder + "descriptors").size(), 18U + 57U);
  EXPECT_EQ(std::filesystem::canonical(world.root + "/sys/bus/usb/devices/1-4.2").string() + "/",
            folder);
  EXPECT_EQ(std::filesystem::canonical(folder + "subsystem").filename(), "usb");
}

TEST_F(TreeTest, Peers_JoinTheTwoSidesOfAPort) {
  const World world = MakeWorld();
  Attach("1-4.2", Recovery());
  const std::string controller = world.root + "/sys/devices/pci0000:00/0000:00:14.0/";
  EXPECT_EQ(std::filesystem::read_symlink(controller + "usb1/1-0:1.0/usb1-port4/peer").string(),
            "../../../usb2/2-0:1.0/usb2-port4");
  EXPECT_EQ(std::filesystem::canonical(controller + "usb1/1-4/1-4:1.0/1-4-port2/peer").string(),
            controller + "usb2/2-4/2-4:1.0/2-4-port2");
  EXPECT_EQ(std::filesystem::canonical(controller + "usb2/2-4/2-4:1.0/2-4-port2/peer").string(),
            controller + "usb1/1-4/1-4:1.0/1-4-port2");
  EXPECT_EQ(std::filesystem::canonical(controller + "usb1/1-4/1-4.2/port").string(),
            controller + "usb1/1-4/1-4:1.0/1-4-port2");
}

TEST_F(TreeTest, SecondController_HasBusesThreeAndFour) {
  const World world = MakeWorld();
  Attach("3-1", Recovery());
  EXPECT_TRUE(
      std::filesystem::exists(world.root + "/sys/devices/pci0000:00/0000:05:00.0/usb3/3-1/busnum"));
  EXPECT_TRUE(
      std::filesystem::exists(world.root + "/sys/devices/pci0000:00/0000:05:00.0/usb4/busnum"));
}

TEST_F(TreeTest, Detach_LeavesNothingOfTheDeviceButItsHubs) {
  const World world = MakeWorld();
  Attach("1-4.2", Recovery());
  bus_.Detach(Port("1-4.2"));
  bus_.Detach(Port("1-4.2"));
  EXPECT_FALSE(std::filesystem::is_symlink(world.root + "/sys/bus/usb/devices/1-4.2"));
  EXPECT_FALSE(std::filesystem::is_symlink(world.root + "/sys/bus/usb/devices/1-4.2:1.0"));
  EXPECT_FALSE(std::filesystem::exists(world.root + "/dev/bus/usb/001/003"));
  EXPECT_TRUE(std::filesystem::exists(world.root + "/sys/bus/usb/devices/1-4/busnum"));
}

TEST_F(TreeTest, Readdressing_CountsUpAndWrapsBelow128WithoutMeetingAnother) {
  const World world = MakeWorld();
  const std::uint8_t neighbour = Attach("1-4.1", Mux(), std::make_shared<ScriptedPhone>()).device;
  std::uint8_t last = neighbour;
  for (int i = 0; i < 300; ++i) {
    const UsbAddress address = Attach("1-4.2", Recovery(), std::make_shared<ScriptedPhone>());
    EXPECT_NE(address.device, neighbour);
    EXPECT_LT(address.device, 128);
    EXPECT_GT(address.device, 1);
    EXPECT_NE(address.device, last);
    last = address.device;
    bus_.Detach(Port("1-4.2"));
  }
}

TEST_F(TreeTest, PortsThatCannotBe_AreRefused) {
  Attach("1-4.2", Recovery());
  const auto attach = [&](const char* port) {
    const auto result = bus_.Attach(Port(port), Recovery(), std::make_shared<ScriptedPhone>());
    return result ? station::ErrorCode::kNone : result.error().code;
  };
  EXPECT_EQ(attach("1-4.2"), station::ErrorCode::kAlreadyExists);
  EXPECT_EQ(attach("1-4"), station::ErrorCode::kAlreadyExists);      // a hub
  EXPECT_EQ(attach("1-4.2.1"), station::ErrorCode::kAlreadyExists);  // below a phone
  EXPECT_EQ(attach("5-1"), station::ErrorCode::kBadRequest);
  EXPECT_EQ(attach("1-17"), station::ErrorCode::kBadRequest);
}

TEST_F(TreeTest, DestroyedWorld_LeavesNoFiles) {
  Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  bus_.DestroyWorld(world.id);
  EXPECT_FALSE(std::filesystem::exists(world.root));
}

TEST(DescriptorsTest, Recovery_Has57BytesWithTheEndpointsClientsLookFor) {
  const DescriptorSet set = DescribePhone(Recovery());
  EXPECT_EQ(set.configuration.size(), 57U);
  EXPECT_EQ(set.configuration[2], 57);
  const auto settings = Interfaces(set);
  ASSERT_EQ(settings.size(), 3U);
  EXPECT_EQ(settings[0].endpoints, std::vector<std::uint8_t>{0x04});
  EXPECT_TRUE(settings[1].endpoints.empty());
  EXPECT_EQ(settings[2].alternate, 1);
  EXPECT_EQ(settings[2].endpoints, (std::vector<std::uint8_t>{0x81, 0x02}));
}

TEST(DescriptorsTest, Dfu_HasNoEndpointsAndBlocksOf2048) {
  const DescriptorSet set = DescribePhone(Dfu());
  EXPECT_EQ(set.configuration.size(), 27U);
  EXPECT_TRUE(Interfaces(set)[0].endpoints.empty());
  EXPECT_EQ(set.configuration[9 + 9 + 5] | set.configuration[9 + 9 + 6] << 8, 0x0800);
}

TEST(DescriptorsTest, Mux_HasTheInterfaceUsbmuxdLooksFor) {
  const auto settings = Interfaces(DescribePhone(Mux()));
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].interface_class, 0xFF);
  EXPECT_EQ(settings[0].subclass, 0xFE);
  EXPECT_EQ(settings[0].protocol, 2);
  EXPECT_EQ(settings[0].endpoints.size(), 2U);
}

}  // namespace
}  // namespace rack
