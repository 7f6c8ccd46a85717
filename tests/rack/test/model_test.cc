#include <gtest/gtest.h>

#include "tests/rack/model/cart.h"
#include "tests/rack/model/faults.h"
#include "tests/rack/model/phone_state.h"
#include "tests/rack/model/stage.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

constexpr const char* kGood = R"(phones:
  - {port: "1-4.2", product: "iPhone10,1", ecid: "0xA1", os_build: "18H17", mode: recovery}
  - port: "1-4.3"
    product: iPhone10,6
    ecid: "0xA2"
    super_speed: true
    timing: {gap: 2.5, flash: 0.5}
    dfu_nonce_changes: true
)";

TEST(Cart, FillsInWhatIsLeftOut) {
  const auto cart = ParseCart(kGood, "CART.yaml", TestProducts());
  ASSERT_TRUE(cart) << cart.error().context;
  ASSERT_EQ(cart->size(), 2U);
  const PhoneSpec& first = cart->front();
  EXPECT_EQ(first.name, "phone1");
  EXPECT_EQ(first.udid.size(), 40U);
  EXPECT_EQ(first.serial.size(), 12U);
  EXPECT_EQ(first.os_version, "14.7");
  EXPECT_EQ(first.mode, StartMode::kRecovery);
  EXPECT_EQ(cart->back().timing.gap, std::chrono::milliseconds(2500));
  EXPECT_TRUE(cart->back().super_speed);
  EXPECT_FALSE(first.dfu_nonce_changes);
  EXPECT_TRUE(cart->back().dfu_nonce_changes);
  EXPECT_EQ(first.timing.flash, std::chrono::milliseconds(300));
  EXPECT_EQ(cart->back().timing.flash, std::chrono::milliseconds(500));
}

struct BadCart {
  const char* name;
  const char* text;
  const char* complaint;
};
void PrintTo(const BadCart& row, std::ostream* out) { *out << row.name; }

class CartReader : public testing::TestWithParam<BadCart> {};

TEST_P(CartReader, NamesTheLine) {
  const auto cart = ParseCart(GetParam().text, "CART.yaml", TestProducts());
  ASSERT_FALSE(cart);
  EXPECT_NE(cart.error().context.find(GetParam().complaint), std::string::npos)
      << cart.error().context;
}

INSTANTIATE_TEST_SUITE_P(
    Table, CartReader,
    testing::Values(
        BadCart{"UnknownTopKey", "phones: []\nphone: 1\n", "CART.yaml:2: unknown key 'phone'"},
        BadCart{"NoPhones", "phones: []\n", "no phones"},
        BadCart{"UnknownKey", "phones:\n  - port: \"1-1\"\n    colour: red\n",
                "CART.yaml:3: unknown key 'colour'"},
        BadCart{"UnknownTiming", "phones:\n  - timing:\n      nap: 1\n",
                "CART.yaml:3: unknown key 'nap'"},
        BadCart{"UnknownProduct", "phones:\n  - {port: \"1-1\", product: \"iPhone99,1\"}\n",
                "CART.yaml:2: product 'iPhone99,1' is not in the catalogue"},
        BadCart{"BadEcid", "phones:\n  - ecid: zzz\n", "CART.yaml:2: an ECID"},
        BadCart{"BadPort", "phones:\n  - port: A1\n", "CART.yaml:2: a port"},
        BadCart{"NoEcid", "phones:\n  - {port: \"1-1\", product: \"iPhone10,1\"}\n",
                "CART.yaml:2: a phone needs an ecid"},
        BadCart{"BadMode", "phones:\n  - mode: sleep\n", "CART.yaml:2: mode is"},
        BadCart{"TwoOnOnePort",
                "phones:\n  - {port: \"1-1\", product: \"iPhone10,1\", ecid: \"0x1\"}\n"
                "  - {port: \"1-1\", product: \"iPhone10,1\", ecid: \"0x2\"}\n",
                "CART.yaml:3: two phones with port 1-1"},
        BadCart{"NoYaml", "phones: [\n", "CART.yaml:"}),
    [](const auto& row) { return row.param.name; });

TEST(Cart, KnowsEveryProductOfTheCatalogue) {
  for (const Product& product : TestProducts().All()) {
    const auto cart = ParseCart("phones: [{port: \"1-1\", ecid: \"0x1\", product: \"" +
                                    product.type + "\", board: " + product.board + ", mode: dfu}]",
                                "", TestProducts());
    ASSERT_TRUE(cart) << cart.error().context;
    EXPECT_EQ(cart->front().product.chip, product.chip);
    EXPECT_EQ(cart->front().udid.size(), product.generation.chip_udid ? 25U : 40U) << product.type;
  }
  EXPECT_EQ(TestProducts().Find("iPhone8,1", "n71map")->chip, 0x8003U);
  EXPECT_EQ(TestProducts().Find("iPhone8,1")->platform, "s8000");
}

TEST(Stage, WhatBootsFollowsFlash) {
  PhoneState state;
  EXPECT_EQ(state.WhatBoots(), Stage::kNormal);
  state.nvram["auto-boot"] = "false";
  EXPECT_EQ(state.WhatBoots(), Stage::kIboot);
  state.nor_complete = false;
  EXPECT_EQ(state.WhatBoots(), Stage::kDfu);
}

TEST(Stage, KernelRunsOnlyFromIbec) {
  EXPECT_EQ(FindTransition(Stage::kIbec, Event::kRunKernel)->to, Stage::kRestore);
  EXPECT_EQ(FindTransition(Stage::kIboot, Event::kRunKernel), nullptr);
  EXPECT_EQ(FindTransition(Stage::kNormal, Event::kRunKernel), nullptr);
  EXPECT_EQ(FindTransition(Stage::kOff, Event::kEnterRecovery), nullptr);
}

TEST(PhoneState, InterruptedRestoreComesBackInRecovery) {
  const PhoneSpec spec = ParseCart(kGood, "", TestProducts())->back();
  PhoneState state = FreshState(spec);
  state.stage = Stage::kRestore;
  state.os_complete = false;
  state.user_data_present = false;
  state.effaceable_generation = 7;
  state.last_error = {Reason::kUnplugged, "why"};
  const PhoneState back = FromValue(*Value::Parse(ToValue(state).ToXml()), spec);
  EXPECT_EQ(back.stage, Stage::kIboot);
  EXPECT_FALSE(back.os_complete);
  EXPECT_FALSE(back.user_data_present);
  EXPECT_EQ(back.effaceable_generation, 7U);
  EXPECT_EQ(back.ap_nonce, state.ap_nonce);
  EXPECT_EQ(back.last_error.reason, Reason::kUnplugged);
}

TEST(PhoneState, InterruptedFirmwareFlashComesBackInDfu) {
  const PhoneSpec spec = ParseCart(kGood, "", TestProducts())->back();
  PhoneState state = FreshState(spec);
  state.stage = Stage::kRestore;
  state.nor_complete = false;
  const PhoneState back = FromValue(*Value::Parse(ToValue(state).ToXml()), spec);
  EXPECT_EQ(back.stage, Stage::kDfu);
  EXPECT_FALSE(back.nor_complete);
}

TEST(Faults, AreSwitchedAndCleared) {
  PhoneFaults faults;
  PhoneState state;
  EXPECT_TRUE(ApplyFault(faults, state, {"unplug-at-byte", "1000", "3"}));
  EXPECT_EQ(faults.unplug_at_byte, 1000U);
  EXPECT_EQ(faults.replug_after, std::chrono::seconds(3));
  EXPECT_TRUE(ApplyFault(faults, state, {"stale-nonce"}));
  EXPECT_TRUE(faults.stale_nonce);
  EXPECT_TRUE(ApplyFault(faults, state, {"stale-nonce", "off"}));
  EXPECT_FALSE(faults.stale_nonce);
  EXPECT_FALSE(ApplyFault(faults, state, {"unplug-at-byte", "soon"}));
  EXPECT_TRUE(ApplyFault(faults, state, {"hold-at-step", "system-image"}));
  EXPECT_EQ(faults.hold_at_step, "system-image");
  EXPECT_FALSE(ApplyFault(faults, state, {"hold-at-step"}));
  EXPECT_TRUE(ApplyFault(faults, state, {"unplug-at-step", "nor-data", "2"}));
  EXPECT_EQ(faults.unplug_at_step, "nor-data");
  EXPECT_EQ(faults.replug_after, std::chrono::seconds(2));
  EXPECT_FALSE(ApplyFault(faults, state, {"unplug-at-step"}));
  EXPECT_FALSE(ApplyFault(faults, state, {"unplug-at-step", "flash", "soon"}));
  EXPECT_TRUE(ApplyFault(faults, state, {"refuse-send"}));
  EXPECT_EQ(faults.refuse_send, "any");
  EXPECT_TRUE(ApplyFault(faults, state, {"late-reattach", "4"}));
  EXPECT_EQ(faults.late_reattach, std::chrono::seconds(4));
  EXPECT_FALSE(ApplyFault(faults, state, {"late-reattach"}));
  EXPECT_FALSE(ApplyFault(faults, state, {"explode"}));
  EXPECT_FALSE(ApplyFault(faults, state, {}));
  EXPECT_TRUE(ApplyFault(faults, state, {"none"}));
  EXPECT_FALSE(faults.unplug_at_byte.has_value());
}

}  // namespace
}  // namespace rack
