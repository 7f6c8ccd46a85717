// Three phones on real cables: enumerated by the kernel, queried and paired by unmodified tools,
// one restored by the station.

#include <gtest/gtest.h>

#include "tests/system/workshop.h"

namespace station::system_test {
namespace {

constexpr const char* kThree = R"(phones:
  - {name: A1, port: "1-1", product: "iPhone10,1", ecid: "0x1a2b3c4d5e601", os_build: "18H17", mode: normal, timing: {finish: 1}}
  - {name: A2, port: "1-2", product: "iPhone10,4", ecid: "0x1a2b3c4d5e602", os_build: "18H17", mode: recovery, timing: {finish: 1}}
  - {name: A3, port: "1-3", product: "iPhone10,1", ecid: "0x1a2b3c4d5e603", os_build: "18H17", mode: dfu}
)";

TEST(SystemSmoke, ThreePhones) {
  Workshop shop({.cart = kThree});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  ASSERT_NO_FATAL_FAILURE(shop.StartUsbmuxd());  // pairs with A1 meanwhile

  const Finished usb = shop.InGuest("cat /sys/bus/usb/devices/1-[123]/idProduct");
  EXPECT_EQ(usb.out, "12a8\n1281\n1227\n");
  for (const auto& [ecid, mode] :
       {std::pair{"0x1a2b3c4d5e602", "MODE: Recovery"}, {"0x1a2b3c4d5e603", "MODE: DFU"}}) {
    const Finished query =
        shop.InGuest(std::string(Workshop::kKeepLists) + "irecovery -q -i " + ecid);
    EXPECT_NE(query.out.find(mode), std::string::npos) << query.out;
  }

  const std::string udid = shop.Phone("A1")["udid"].as<std::string>();
  ASSERT_TRUE(shop.AwaitListed({udid}, 60));
  const Finished paired = shop.InGuest("idevicepair validate && ideviceinfo -k BuildVersion");
  EXPECT_EQ(paired.exit_code, 0) << paired.out;
  EXPECT_NE(paired.out.find("18H17"), std::string::npos) << paired.out;
  EXPECT_EQ(shop.Phone("A1")["paired_hosts"].as<int>(), 1);

  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  shop.WatchUsbmuxd();
  const Forged firmware = shop.Import("iphone8_ios15");
  ASSERT_NO_FATAL_FAILURE(shop.Arm("A1"));
  shop.AwaitRestored("A1", firmware);
  for (const char* other : {"A2", "A3"})
    EXPECT_TRUE(shop.Phone(other)["user_data_present"].as<bool>());
}

}  // namespace
}  // namespace station::system_test
