#include "station/catalogue/buttons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "station/catalogue/catalogue.h"

namespace station::catalogue {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Joined(std::string_view type, ButtonMode mode) {
  std::string text;
  for (const std::string& line : ButtonSteps(type, mode)) text += line + "\n";
  return text;
}

struct Layouts {
  const char* name;
  std::vector<const char*> types;
  const char* held;    // what is held in both modes
  const char* second;  // the button DFU mode is about
};
void PrintTo(const Layouts& row, std::ostream* out) { *out << row.name; }

class Buttons : public testing::TestWithParam<Layouts> {};

TEST_P(Buttons, AreThoseOfTheProduct) {
  for (const char* type : GetParam().types) {
    const std::string recovery = Joined(type, ButtonMode::kRecovery);
    const std::string dfu = Joined(type, ButtonMode::kDfu);
    EXPECT_THAT(recovery, HasSubstr(GetParam().held)) << type;
    EXPECT_THAT(dfu, HasSubstr(GetParam().held)) << type;
    EXPECT_THAT(dfu, HasSubstr(std::string("keep holding ") + GetParam().second)) << type;
    EXPECT_THAT(recovery, HasSubstr("shows a cable")) << type;
    EXPECT_THAT(dfu, HasSubstr("stays black")) << type;
  }
}

INSTANTIATE_TEST_SUITE_P(Products, Buttons,
                         testing::Values(Layouts{"home_button",
                                                 {"iPhone6,1", "iPhone7,2", "iPhone8,4", "iPod7,1"},
                                                 "Home button and the Side",
                                                 "Home"},
                                         Layouts{"volume_down_instead",
                                                 {"iPhone9,1", "iPhone9,4", "iPod9,1"},
                                                 "Volume Down and the Side",
                                                 "Volume Down"},
                                         Layouts{"presses_first",
                                                 {"iPhone10,1", "iPhone10,6", "iPhone12,8",
                                                  "iPhone14,6", "iPhone18,5"},
                                                 "Press Volume Up",
                                                 "Volume Down"},
                                         Layouts{"ipad_with_home",
                                                 {"iPad4,1", "iPad7,5", "iPad11,1", "iPad12,2"},
                                                 "Home button and the Top button",
                                                 "Home"},
                                         Layouts{"ipad_without_home",
                                                 {"iPad8,1", "iPad13,18", "iPad14,1", "iPad17,4"},
                                                 "volume button nearest to the Top",
                                                 "the volume button"}),
                         [](const auto& row) { return row.param.name; });

TEST(ButtonsOf, EveryProductOfTheCatalogueAreKnown) {
  const auto catalogue = Catalogue::Load(STATION_SOURCE_DIR "/config/catalogue.yaml");
  ASSERT_TRUE(catalogue);
  for (const Product& product : catalogue->Products())
    for (const ButtonMode mode : {ButtonMode::kRecovery, ButtonMode::kDfu})
      EXPECT_THAT(Joined(product.type, mode), Not(HasSubstr("On a model with"))) << product.type;
}

TEST(ButtonsOf, AnUnknownProductNameBothWays) {
  for (const char* type : {"", "Mac14,2", "iPhone", "iPhone0,1"})
    EXPECT_THAT(Joined(type, ButtonMode::kRecovery),
                testing::AllOf(HasSubstr("Press Volume Up"), HasSubstr("with a Home button")))
        << type;
}

}  // namespace
}  // namespace station::catalogue
