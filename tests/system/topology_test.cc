// Where the phones are: hubs behind hubs, the two sides of a USB 3 port, and a port that is
// switched off.

#include <gtest/gtest.h>

#include <array>

#include "tests/system/workshop.h"

namespace station::system_test {
namespace {

Workshop::Place AwaitPlace(Workshop& shop, const std::string& phone) {
  Workshop::Place place;
  shop.Await(
      "the station knows " + phone, [&] { return !(place = shop.PlaceOf(phone)).key.empty(); }, 60);
  return place;
}

TEST(SystemTopology, NestedHubs_ShowInKeysSpeedsAndDoctor) {
  struct Expected {
    const char* phone;
    const char* chain;
    const char* speed;  // the emulated hub is a full-speed one
  };
  constexpr std::array<Expected, 3> kPhones = {
      {{"P1", "1", "480"}, {"P2", "2.3", "12"}, {"P3", "2.1.4", "12"}}};
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery") + Row(2, "1-2.3", "recovery") +
                         Row(3, "1-2.1.4", "recovery"),
                 .hubs = {"2", "2.1"}});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  for (const Expected& expected : kPhones) {
    const Workshop::Place place = AwaitPlace(shop, expected.phone);
    EXPECT_EQ(place.key, std::string("pci0000:00/0000:00:10.0:") + expected.chain);
    EXPECT_EQ(place.path.substr(place.path.find('-') + 1), expected.chain);
    EXPECT_EQ(place.speed, expected.speed) << expected.phone;
  }
  const std::string doctor = shop.Ctl("doctor").out;
  EXPECT_NE(doctor.find("5 devices"), std::string::npos) << doctor;  // the hubs count
  EXPECT_NE(doctor.find("slow: 12 Mbit/s"), std::string::npos) << doctor;
}

TEST(SystemTopology, SuperSpeedInRestoreMode_IsTheSamePort) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery", "super_speed: true")});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd();
  shop.WatchUsbmuxd();
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  const Forged firmware = shop.Import("iphone8_ios15");
  const Workshop::Place before = AwaitPlace(shop, "P1");
  EXPECT_EQ(before.speed, "480");
  ASSERT_NO_FATAL_FAILURE(shop.Arm("P1"));
  shop.AwaitRestored("P1", firmware);
  const Workshop::Place after = AwaitPlace(shop, "P1");
  EXPECT_EQ(after.key, before.key);
  EXPECT_NE(after.path, before.path) << "the other side is another bus";
  EXPECT_EQ(after.speed, "5000");
}

// Debian 12's kernel does not notice that a port was switched off by libusb: the phone stands in
// sysfs until the port is on again, and then it is another device.
TEST(SystemTopology, OnePortSwitchedOffAndOn_BringsThatPhoneBackAlone) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery") + Row(2, "1-2.1", "recovery") +
                         Row(3, "1-2.3", "recovery"),
                 .hubs = {"2,port-power=on"}});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  const Workshop::Place elsewhere = AwaitPlace(shop, "P1");
  const Workshop::Place beside = AwaitPlace(shop, "P2");
  const Workshop::Place place = AwaitPlace(shop, "P3");
  const auto device = [&](const Workshop::Place& of) {
    return shop.InGuest("cat /sys/bus/usb/devices/" + of.path + "/devnum").out;
  };
  const std::string devices[] = {device(elsewhere), device(beside), device(place)};
  for (const char* state : {"off", "on"}) {
    const Finished done = shop.Ctl("port power " + place.key + " " + state);
    ASSERT_EQ(done.exit_code, 0) << done.out;
  }
  ASSERT_TRUE(shop.Await(
      "it is another device",
      [&] {
        const std::string now = device(place);
        return !now.empty() && !now.contains("No such") && now != devices[2];
      },
      60));
  EXPECT_EQ(AwaitPlace(shop, "P3").key, place.key);
  EXPECT_EQ(device(beside), devices[1]);

  const Finished refused = shop.Ctl("port power " + elsewhere.key + " off");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_TRUE(refused.out.contains("switches no power")) << refused.out;
  EXPECT_EQ(device(elsewhere), devices[0]);
}

}  // namespace
}  // namespace station::system_test
