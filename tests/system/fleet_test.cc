// Many phones, and what befalls a workshop: cables, hubs, the daemon and the
// machine itself.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/system/workshop.h"

namespace station::system_test {
namespace {

std::vector<std::string> Udids(Workshop& shop, int phones) {
  std::vector<std::string> udids;
  for (int number = 1; number <= phones; ++number)
    udids.push_back(shop.Phone("P" + std::to_string(number))["udid"].as<std::string>());
  return udids;
}

TEST(SystemFleet, SixteenInRecovery_EachAnswersItsOwn) {
  constexpr int kPhones = 16;
  std::string cart = "phones:\n";
  for (int number = 1; number <= kPhones; ++number)
    cart +=
        Row(number,
            number <= 12 ? "1-" + std::to_string(number) : "1-13." + std::to_string(number - 12),
            "recovery");
  Workshop shop({.cart = cart, .hubs = {"13"}});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  ASSERT_TRUE(shop.Await(
      "all are enumerated",
      [&] {
        return shop.InGuest("cat /sys/bus/usb/devices/*/idProduct | grep -c 1281").out == "16\n";
      },
      60));
  for (int number = 1; number <= kPhones; ++number) {
    const std::string ecid = shop.Phone("P" + std::to_string(number))["ecid"].as<std::string>();
    const Finished query =
        shop.InGuest(std::string(Workshop::kKeepLists) + "irecovery -q -i " + ecid);
    EXPECT_NE(query.out.find("ECID: " + ecid), std::string::npos) << query.out;
    EXPECT_NE(query.out.find("MODE: Recovery"), std::string::npos) << query.out;
  }
}

TEST(SystemFleet, TwentyFourInNormalMode_AreAllListed) {
  // Twelve at the controller, the others behind two hubs.
  constexpr int kPhones = 24;
  std::string cart = "phones:\n";
  for (int number = 1; number <= kPhones; ++number)
    cart += Row(number,
                number <= 12   ? "1-" + std::to_string(number)
                : number <= 18 ? "1-13." + std::to_string(number - 12)
                               : "1-14." + std::to_string(number - 18),
                "normal");
  Workshop shop({.cart = cart, .hubs = {"13", "14"}});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd("-p");
  const std::vector<std::string> udids = Udids(shop, kPhones);
  ASSERT_TRUE(shop.AwaitListed(udids, 120));
  EXPECT_EQ(shop.InGuest("idevice_id -l | sort -u | wc -l").out, "24\n");
}

TEST(SystemFleet, HubPowerLoss_TakesAllAndGivesAllBack) {
  std::string cart = "phones:\n" + Row(1, "1-1", "recovery");
  for (int number = 2; number <= 4; ++number)
    cart += Row(number, "1-2." + std::to_string(number), "recovery");
  Workshop shop({.cart = cart, .hubs = {"2"}});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  const auto present = [&](const std::string& count) {
    return [&shop, count] {
      return shop.InGuest("cat /sys/bus/usb/devices/*/idProduct | grep -c 1281").out ==
             count + "\n";
    };
  };
  ASSERT_TRUE(shop.Await("all are there", present("4"), 60));
  ASSERT_EQ(shop.Rack({"fault", "hub", "1-2", "off"}).exit_code, 0);
  ASSERT_TRUE(shop.Await("the three behind the hub are gone", present("1"), 60));
  ASSERT_EQ(shop.Rack({"fault", "hub", "1-2", "on"}).exit_code, 0);
  ASSERT_TRUE(shop.Await("all are back", present("4"), 60));
}

TEST(SystemFleet, AnotherBusOrderAfterAReboot_PortsKeepTheirIdentity) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery") + Row(2, "1-2.3", "recovery"),
                 .hubs = {"2"}});
  std::map<std::string, Workshop::Place> before;
  ASSERT_NO_FATAL_FAILURE(shop.StartRack());
  for (const bool other_controller : {false, true}) {
    shop.PutControllerBefore(other_controller);
    ASSERT_NO_FATAL_FAILURE(shop.StartGuest());
    ASSERT_NO_FATAL_FAILURE(shop.StartStation());
    for (const char* phone : {"P1", "P2"}) {
      Workshop::Place place;
      ASSERT_TRUE(shop.Await(
          "the station knows it", [&] { return !(place = shop.PlaceOf(phone)).key.empty(); }, 60));
      if (!other_controller) {
        before[phone] = place;
        continue;
      }
      EXPECT_EQ(place.key, before[phone].key);
      EXPECT_NE(place.path, before[phone].path)
          << "the bus has the same number, so this shows nothing";
    }
    shop.StopGuest();
  }
}

TEST(SystemFleet, UsbmuxdKilledWhileEightAreListed_ListsThemAgain) {
  constexpr int kPhones = 8;
  std::string cart = "phones:\n";
  for (int number = 1; number <= kPhones; ++number)
    cart += Row(number, "1-" + std::to_string(number), "normal");
  Workshop shop({.cart = cart});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd("-p");  // no preflight: eight pairings are a minute of RSA
                            // keys on an emulated processor
  const std::vector<std::string> udids = Udids(shop, kPhones);
  ASSERT_TRUE(shop.AwaitListed(udids, 60));
  ASSERT_EQ(shop.InGuest("kill -9 $(cat /run/usbmuxd.started)").exit_code, 0);
  EXPECT_NE(shop.InGuest("idevice_id -l").out.find("Unable"), std::string::npos)
      << "nobody is there";
  shop.StartUsbmuxd("-p");
  ASSERT_TRUE(shop.AwaitListed(udids, 60));
  const Finished asked = shop.InGuest(
      "for u in $(idevice_id -l); do ideviceinfo -s -u $u -k "
      "ProductType || exit 1; done");
  EXPECT_EQ(asked.exit_code, 0) << asked.out;
  EXPECT_EQ(std::ranges::count(asked.out, '\n'), kPhones) << asked.out;
}

}  // namespace
}  // namespace station::system_test
