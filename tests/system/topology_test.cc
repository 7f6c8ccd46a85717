// Where the phones are: hubs behind hubs, and the two sides of a USB 3 port.

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

}  // namespace
}  // namespace station::system_test
