// Phones usbmuxd does not list, and hubs that go away as a whole.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

usb::UsbPhone Behind(const std::string& hub, std::uint8_t number, char serial) {
  usb::UsbPhone phone = OnBus(number, number, PhoneMode::kNormal, std::string(40, serial));
  phone.port = {"pci0000:00/0000:00:14.0:" + hub + "." + std::to_string(number)};
  phone.path = {1, {static_cast<std::uint8_t>(hub[0] - '0'), number}};
  return phone;
}

CartSettings WithMuxRestart() {
  CartSettings settings;
  settings.mux_restart_command = "true";
  return settings;
}

TEST(CartWatch, APhoneThatUsbmuxdDoesNotList_IsShown_AndNoLongerOnceItDoes) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.cart->OnMux(true, {});
  world.Turn(19s);
  EXPECT_EQ(world.View(1).Shown(), ErrorCode::kNone);
  world.Turn(2s);
  EXPECT_EQ(world.View(1).Shown(), ErrorCode::kPhoneNotListed);
  EXPECT_EQ(world.View(1).what_to_do, OperatorLine(ErrorCode::kPhoneNotListed));
  EXPECT_TRUE(world.acts.empty()) << "no command is configured";
  world.Plug({OnBus(1)});
  EXPECT_EQ(world.View(1).Shown(), ErrorCode::kNone);
}

TEST(CartWatch, UsbmuxdItselfAway_IsAnotherMatter) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.cart->OnMux(false, {});
  world.Turn(1min);
  EXPECT_EQ(world.View(1).Shown(), ErrorCode::kNone);
}

TEST(CartWatch, UsbmuxdIsRestarted_ButNotAgainAndAgain_NorWhileARestoreRuns) {
  World world(WithMuxRestart());
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.cart->OnMux(true, {});
  world.Turn(21s);
  ASSERT_EQ(world.acts.size(), 1U);
  EXPECT_EQ(world.acts[0].task.act, usb::PortAct::kMuxRestart);
  world.EndAct({});
  world.Plug({OnBus(1)});
  world.cart->OnMux(true, {});
  world.Turn(21s);
  EXPECT_TRUE(world.acts.empty()) << "only just done";
  world.Turn(11min);
  world.Plug({OnBus(1)});
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.Turn(10s);
  ASSERT_EQ(world.View(1).state, PortState::kWorking);
  world.Plug({OnBus(1), OnBus(2, 8, PhoneMode::kNormal, std::string(40, 'b'))});
  world.cart->OnMux(true, {});
  world.Turn(21s);
  EXPECT_EQ(world.View(2).Shown(), ErrorCode::kPhoneNotListed);
  EXPECT_TRUE(world.acts.empty()) << "a restore runs";
}

TEST(CartWatch, AllPhonesOfAHubGoneAtOnce_AreOneEvent) {
  World world;
  const std::vector<usb::UsbPhone> all = {Behind("1", 1, 'a'), Behind("1", 2, 'b'),
                                          Behind("1", 3, 'c'), Behind("2", 1, 'd')};
  world.Plug(all);
  world.Plug({all[2], all[3]});
  world.Turn(500ms);
  world.Plug({all[3]});
  world.Turn(5s);
  ASSERT_EQ(world.seen.hubs_lost.size(), 1U);
  EXPECT_EQ(world.seen.hubs_lost[0], "pci0000:00/0000:00:14.0:1");
}

TEST(CartWatch, OnePhone_OrSomeOfAHub_OrThoseThatComeBack_AreNone) {
  World world;
  const std::vector<usb::UsbPhone> all = {Behind("1", 1, 'a'), Behind("1", 2, 'b'),
                                          Behind("1", 3, 'c'), Behind("2", 1, 'd')};
  world.Plug(all);
  world.Plug({all[0], all[3]});  // two of three
  world.Turn(5s);
  world.Plug({all[0]});  // the only one
  world.Turn(5s);
  world.Plug(all);
  world.Plug({all[3]});
  world.Turn(1s);
  world.Plug(all);
  world.Turn(5s);
  EXPECT_TRUE(world.seen.hubs_lost.empty());
}

}  // namespace
}  // namespace station::daemon
