// What stands at a port, and what an operator allows.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

TEST(CartPorts, PluggedPhone_IsAskedAndLeftAlone) {
  World world;
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  EXPECT_EQ(world.View(1).state, PortState::kIdle);
  EXPECT_EQ(world.View(1).phone.product_name, "iPhone 8");
  EXPECT_EQ(world.View(1).path, "1-1");
  world.Turn(10min);
  EXPECT_EQ(world.View(1).state, PortState::kIdle);
  EXPECT_EQ(world.workers.started.size(), 1U) << "unarmed phones are left alone";
}

TEST(CartPorts, UnplugWhileIdle_Empties) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.Plug({});
  EXPECT_EQ(world.View(1).state, PortState::kEmpty);
  EXPECT_FALSE(world.View(1).phone.ecid.Known());
}

TEST(CartPorts, UnplugWhileIdentifying_EndsThatWorker) {
  World world;
  world.Plug({OnBus(1)});
  const std::string task = world.LastTask();
  world.Plug({});
  EXPECT_TRUE(world.workers.killed.contains(task));
  EXPECT_EQ(world.View(1).state, PortState::kEmpty);
  world.Die(task);
  EXPECT_EQ(world.View(1).state, PortState::kEmpty);
}

TEST(CartPorts, UnpluggedWhileAsked_TheNextIsAskedWhenThatProcessIsGone) {
  World world;
  std::vector<usb::UsbPhone> phones;
  for (std::uint8_t port = 1; port <= 5; ++port) phones.push_back(OnBus(port));
  world.Plug(phones);
  const std::string first = world.workers.started.front();
  ASSERT_EQ(world.workers.started.size(), 4U);
  phones.erase(phones.begin());
  world.Plug(phones);
  EXPECT_TRUE(world.workers.killed.contains(first));
  EXPECT_EQ(world.workers.started.size(), 4U) << "it still exits";
  world.Die(first);
  EXPECT_EQ(world.workers.started.size(), 5U);
}

TEST(CartPorts, IdentifyFails_ThreeTriesThenSaysWhy_ReplugAsksAgain) {
  World world;
  world.Plug({OnBus(1)});
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(world.View(1).state, PortState::kIdentifying);
    world.End(world.LastTask(), {.error = ErrorCode::kLockdown, .context = "no answer"});
    world.Turn(1s);
  }
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).error, ErrorCode::kLockdown);
  EXPECT_EQ(world.workers.started.size(), 3U);
  world.Plug({OnBus(1, 6)});
  EXPECT_EQ(world.View(1).state, PortState::kIdentifying);
}

TEST(CartPorts, AskedForEver_SaysSo) {
  World world;
  world.Plug({OnBus(1)});
  world.Turn(5h);
  EXPECT_EQ(world.View(1).state, PortState::kIdentifying) << "its worker cannot be ended";
  world.Turn(2h);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).error, ErrorCode::kStepTimeout);
}

TEST(CartPorts, FourAtATimeAreIdentified) {
  World world;
  std::vector<usb::UsbPhone> phones;
  for (std::uint8_t port = 1; port <= 6; ++port) phones.push_back(OnBus(port));
  world.Plug(phones);
  EXPECT_EQ(world.workers.running.size(), 4U);
  const std::string first = world.workers.started.front();
  world.cart->OnIdentified(first, Facts(kPhone1));
  world.Die(first);
  EXPECT_EQ(world.workers.started.size(), 5U);
}

TEST(CartPorts, PhoneNotInUsbmuxd_IsAskedAfterAWhileAllTheSame) {
  World world;
  world.cart->OnUsb({OnBus(1)});
  world.Settle();
  EXPECT_TRUE(world.workers.started.empty());
  world.Turn(5s);
  EXPECT_EQ(world.workers.started.size(), 1U);
}

TEST(CartPorts, RecoveryPhone_TakesWhatWasKnownFromItsNormalMode) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1, "F2LKNOWN"));
  world.Plug({});
  world.Plug({OnBus(2, 9, PhoneMode::kRecovery, "CPID:8015 BDID:02 ECID:0000000000001111")});
  ledger::PhoneFacts facts;
  facts.ecid = kPhone1;
  facts.mode = PhoneMode::kRecovery;
  facts.chip_id = 0x8015;
  facts.board_id = 0x02;
  world.Identify(2, facts);
  EXPECT_EQ(world.View(2).phone.serial_number, "F2LKNOWN");
  EXPECT_EQ(world.View(2).phone.product, "iPhone10,1");
  EXPECT_EQ(world.View(2).phone.os_version, "") << "not told in recovery mode, so not guessed";
}

TEST(CartPorts, Labels_AreTaughtOnceAndRemembered) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1));
  EXPECT_EQ(world.View(1).label, "1");
  const auto labelled = world.Ask<PortView>(
      [&](Act<PortView> act) { world.cart->LabelPort("1", "A1", std::move(act)); });
  EXPECT_EQ(labelled->label, "A1");
  EXPECT_TRUE(world.cart->FindPort("A1").has_value());
  EXPECT_TRUE(world.cart->FindPort("1-1").has_value()) << "by its path as well";
  world.Plug({OnBus(1), OnBus(2)});
  const auto doubled = world.Ask<PortView>(
      [&](Act<PortView> act) { world.cart->LabelPort("2", "A1", std::move(act)); });
  EXPECT_EQ(doubled.error().code, ErrorCode::kAlreadyExists);
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.cart->FindPort("A1")->state, PortState::kEmpty);
}

TEST(CartPorts, SecondController_NumbersTheLabels) {
  World world;
  auto other = OnBus(1);
  other.port = {"pci0000:00/0000:03:00.0:1"};
  other.path = {3, {1}};
  world.Plug({OnBus(1), other});
  std::vector<std::string> labels;
  for (const PortView& port : world.cart->Ports()) labels.push_back(port.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"1:1", "2:1"}));
}

TEST(CartPorts, LabelsAreOrderedAsPeopleCount) {
  World world;
  world.Plug({OnBus(10), OnBus(2), OnBus(1)});
  std::vector<std::string> labels;
  for (const PortView& port : world.cart->Ports()) labels.push_back(port.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"1", "2", "10"}));
}

TEST(CartArming, Countdown_CanBeStoppedByDisarmAndCancelAndUnplug) {
  for (const std::string how : {"disarm", "cancel", "unplug"}) {
    World world;
    world.ImportFirmware();
    world.PlugAndIdentify(1, Facts(kPhone1));
    ASSERT_TRUE(world.ArmPorts({"1"}));
    ASSERT_EQ(world.View(1).state, PortState::kArmed) << how;
    world.Turn(9s);
    if (how == "disarm") {
      EXPECT_EQ(world.Disarm({}).value(), 1);
    } else if (how == "cancel") {
      EXPECT_TRUE(world.Cancel("1"));
    }
    if (how == "unplug") world.Plug({});
    world.Turn(1min);
    EXPECT_EQ(world.View(1).state, how == "unplug" ? PortState::kEmpty : PortState::kIdle) << how;
    EXPECT_EQ(world.workers.started.size(), 1U) << how << ": only identified";
  }
}

TEST(CartArming, NeverWipe_WinsOverArming) {
  CartSettings settings;
  settings.never_wipe.ecids = {kPhone1};
  World world(settings);
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  EXPECT_EQ(world.View(1).error, ErrorCode::kNeverWipe);
  const auto armed = world.ArmPorts({"1"});
  ASSERT_EQ(armed->targets.size(), 1U);
  EXPECT_FALSE(armed->targets[0].will_wipe);
  EXPECT_EQ(armed->targets[0].error, ErrorCode::kNeverWipe);
  EXPECT_EQ(world.View(1).state, PortState::kHeld);
  world.Turn(1h);
  EXPECT_EQ(world.workers.started.size(), 1U);
}

TEST(CartArming, HeldForFirmware_GoesOnByItselfWhenItIsImported) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  EXPECT_EQ(world.View(1).state, PortState::kHeld);
  EXPECT_EQ(world.View(1).error, ErrorCode::kFirmwareAbsent);
  EXPECT_EQ(world.View(1).what_to_do, OperatorLine(ErrorCode::kFirmwareAbsent));
  world.ImportFirmware("iPhone99,9", '9');
  EXPECT_EQ(world.View(1).state, PortState::kHeld) << "for another model";
  world.ImportFirmware();
  EXPECT_EQ(world.View(1).state, PortState::kArmed);
  world.Turn(10s);
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST(CartArming, ProductNotInTheCatalogue_IsHeldAndSaysSo) {
  World world;
  world.ImportFirmware("iPhone99,9");
  ledger::PhoneFacts unknown = Facts(kPhone1);
  unknown.product = "iPhone99,9";
  unknown.board = "x99ap";
  world.PlugAndIdentify(1, unknown);
  const auto armed = world.ArmPorts({"1"});
  ASSERT_EQ(armed->targets.size(), 1U);
  EXPECT_FALSE(armed->targets[0].will_wipe);
  EXPECT_EQ(armed->targets[0].error, ErrorCode::kProductUnknown);
  EXPECT_EQ(world.View(1).state, PortState::kHeld);
  EXPECT_EQ(world.View(1).error, ErrorCode::kProductUnknown);
  EXPECT_EQ(world.View(1).what_to_do, OperatorLine(ErrorCode::kProductUnknown));
  world.Turn(10min);
  EXPECT_EQ(world.workers.started.size(), 1U) << "nothing but who it is was asked";
}

TEST(CartArming, Expiry_DisarmsHeldPort) {
  World world;
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.Turn(15min + 1s);
  EXPECT_EQ(world.View(1).state, PortState::kIdle);
  world.ImportFirmware();
  EXPECT_EQ(world.View(1).state, PortState::kIdle);
}

TEST(CartArming, ArmedEmptyPort_TakesThePhoneThatComes) {
  World world;
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.Plug({});
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.PlugAndIdentify(1, Facts(kPhone2));
  EXPECT_EQ(world.View(1).state, PortState::kArmed);
}

TEST(CartArming, UnknownPortOrNonsense_IsRefused) {
  World world;
  EXPECT_EQ(world.ArmPorts({"Z9"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(world.Arm({}).error().code, ErrorCode::kBadRequest);
  ArmSpec bad_ecid;
  bad_ecid.ecids = {"hello"};
  EXPECT_EQ(world.Arm(bad_ecid).error().code, ErrorCode::kBadRequest);
}

TEST(CartArming, EmergencyStop_HoldsAndReleases) {
  World world;
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  ASSERT_TRUE(world.EmergencyStop(true));
  EXPECT_TRUE(world.workers.emergency_stop);
  EXPECT_EQ(world.View(1).state, PortState::kHeld);
  EXPECT_EQ(world.View(1).error, ErrorCode::kEmergencyStop);
  world.Turn(1min);
  EXPECT_EQ(world.workers.started.size(), 1U);
  ASSERT_TRUE(world.EmergencyStop(false));
  EXPECT_EQ(world.View(1).state, PortState::kArmed);
}

}  // namespace
}  // namespace station::daemon
