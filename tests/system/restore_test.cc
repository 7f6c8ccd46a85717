// Restores of a whole phone through real cables: by the station, by idevicerestore, and with what
// breaks on the way.

#include <gtest/gtest.h>

#include "tests/system/workshop.h"

namespace station::system_test {
namespace {

// Why the attempts before the last one failed, as the station logged it.
std::vector<std::string> Failed(const Workshop& shop) {
  return shop.StationLog("attempt failed, trying again");
}

TEST(SystemRestore, FromRecoveryAndDfu_SideBySide) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery") + Row(2, "1-2", "dfu")});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd();
  shop.WatchUsbmuxd();
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  const Forged firmware = shop.Import("iphone8_ios15");
  for (const char* phone : {"P1", "P2"}) ASSERT_NO_FATAL_FAILURE(shop.Arm(phone));
  for (const char* phone : {"P1", "P2"}) shop.AwaitRestored(phone, firmware);
}

TEST(SystemRestore, ByIdevicerestoreFromNormalMode) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "normal")});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd();
  shop.WatchUsbmuxd();
  const YAML::Node phone = shop.Phone("P1");
  ASSERT_TRUE(shop.AwaitListed({phone["udid"].as<std::string>()}, 60));
  const Forged firmware = shop.Forge("iphone8_ios15");
  const Finished done =
      shop.InGuest(std::string(Workshop::kKeepLists) + "http_proxy=" + Workshop::kSignerUrl +
                       " idevicerestore -e -y -s -i " + phone["ecid"].as<std::string>() +
                       " -C /tmp/cache " + firmware.guest_path,
                   300);
  EXPECT_EQ(done.exit_code, 0) << done.out;
  ASSERT_TRUE(shop.Await(
      "the phone starts", [&] { return shop.Phone("P1")["mode"].as<std::string>() == "normal"; },
      60));
  shop.ExpectRestored("P1", firmware);
}

TEST(SystemRestore, CableOutInMidStream_IsRestoredOnTheSamePort) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery")});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd();
  shop.WatchUsbmuxd();
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  const Forged firmware = shop.Import("iphone8_ios15");
  ASSERT_EQ(shop.Rack({"fault", "P1", "unplug-at-byte", "3000000", "4"}).exit_code, 0);
  ASSERT_NO_FATAL_FAILURE(shop.Arm("P1"));
  shop.AwaitRestored("P1", firmware);
  EXPECT_EQ(shop.LastJob("P1")["attempt"].as<int>(), 2);
  ASSERT_EQ(Failed(shop).size(), 1U);
  // Whether the image or the conversation notices first is chance.
  EXPECT_TRUE(Failed(shop)[0].contains("asr_transfer") || Failed(shop)[0].contains("phone_gone"))
      << Failed(shop)[0];
}

TEST(SystemRestore, UsbmuxdKilledInMidRestore_IsRestoredOnceItIsBack) {
  Workshop shop({.cart = "phones:\n" + Row(1, "1-1", "recovery")});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  shop.StartUsbmuxd();
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  const Forged firmware = shop.Import("iphone8_ios15");
  ASSERT_EQ(shop.Rack({"fault", "P1", "hold-at-step", "system-image"}).exit_code, 0);
  ASSERT_NO_FATAL_FAILURE(shop.Arm("P1"));
  ASSERT_TRUE(shop.Await(
      "the phone waits for its image",
      [&] { return shop.Phone("P1")["held_at"].as<std::string>("") == "system-image"; }, 180));
  ASSERT_EQ(shop.InGuest("kill -9 $(cat /run/usbmuxd.started)").exit_code, 0);
  ASSERT_EQ(shop.Rack({"fault", "P1", "none"}).exit_code, 0);
  ASSERT_TRUE(shop.Await(
      "the attempt ends", [&] { return !Failed(shop).empty(); }, 120));
  shop.StartUsbmuxd();
  shop.WatchUsbmuxd();
  shop.AwaitRestored("P1", firmware);
  EXPECT_EQ(shop.LastJob("P1")["attempt"].as<int>(), 2);
  EXPECT_TRUE(Failed(shop)[0].contains("error=mux_unreachable")) << Failed(shop)[0];
}

}  // namespace
}  // namespace station::system_test
