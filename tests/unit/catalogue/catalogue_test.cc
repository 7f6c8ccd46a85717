#include "station/catalogue/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "config/yaml/document.h"

namespace station::catalogue {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::filesystem::path kFile = std::string(STATION_SOURCE_DIR) + "/config/catalogue.yaml";

Catalogue TheCatalogue() {
  auto catalogue = Catalogue::Load(kFile);
  EXPECT_TRUE(catalogue) << catalogue.error().context;
  return catalogue ? std::move(*catalogue) : Catalogue();
}

TEST(CatalogueTest, FindsAnIphone8InEveryWay) {
  const Catalogue catalogue = TheCatalogue();
  const Product* by_type = catalogue.FindByType("iPhone10,1");
  ASSERT_NE(by_type, nullptr);
  EXPECT_EQ(by_type->name, "iPhone 8");
  EXPECT_EQ(by_type->board, "d20ap");
  EXPECT_EQ(by_type->chip_id, 0x8015U);
  EXPECT_EQ(by_type->board_id, 0x02U);
  EXPECT_EQ(catalogue.FindByBoard("D20AP"), by_type);
  EXPECT_EQ(catalogue.FindByChip(0x8015, 0x02), by_type);
}

TEST(CatalogueTest, UnknownProductsAreNull) {
  const Catalogue catalogue = TheCatalogue();
  EXPECT_EQ(catalogue.FindByType("iPhone1,1"), nullptr);
  EXPECT_EQ(catalogue.FindByBoard("d20dev"), nullptr);
  EXPECT_EQ(catalogue.FindByBoard(""), nullptr);
  EXPECT_EQ(catalogue.FindByChip(0x8015, 0x03), nullptr);
}

// The restore library's own table, for the families that pass through a refurbisher most.
TEST(CatalogueTest, BoardsAreThoseTheRestoreLibraryKnows) {
  struct Known {
    const char* board;
    std::uint32_t chip;
    std::uint32_t board_id;
    const char* name;
  };
  const Known kKnown[] = {
      {"d10ap", 0x8010, 0x08, "iPhone 7"},          {"d111ap", 0x8010, 0x0e, "iPhone 7 Plus"},
      {"d22ap", 0x8015, 0x06, "iPhone X"},          {"d221ap", 0x8015, 0x0e, "iPhone X"},
      {"d331pap", 0x8020, 0x1a, "iPhone XS Max"},   {"n841ap", 0x8020, 0x0c, "iPhone XR"},
      {"n104ap", 0x8030, 0x04, "iPhone 11"},        {"d54pap", 0x8101, 0x08, "iPhone 12 Pro Max"},
      {"d16ap", 0x8110, 0x08, "iPhone 13 mini"},    {"d28ap", 0x8110, 0x1a, "iPhone 14 Plus"},
      {"d83ap", 0x8130, 0x04, "iPhone 15 Pro"},     {"d94ap", 0x8140, 0x0e, "iPhone 16 Pro Max"},
      {"d47ap", 0x8140, 0x08, "iPhone 16"},         {"d48ap", 0x8140, 0x0a, "iPhone 16 Plus"},
      {"v54ap", 0x8150, 0x0e, "iPhone 17 Pro Max"}, {"v159ap", 0x8150, 0x16, "iPhone 17e"},
  };
  const Catalogue catalogue = TheCatalogue();
  for (const Known& known : kKnown) {
    const Product* product = catalogue.FindByChip(known.chip, known.board_id);
    ASSERT_NE(product, nullptr) << known.board;
    EXPECT_EQ(product->board, known.board);
    EXPECT_EQ(product->name, known.name);
  }
}

struct BadCase {
  const char* name;
  const char* yaml;
  const char* place;
  const char* wrong;
};
void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

#define ROW_8 \
  "  - {type: \"iPhone10,1\", name: iPhone 8, board: d20ap, chip: 0x8015, board_id: 0x02}\n"
const BadCase kCases[] = {
    {"Empty", "", "c:1:1:", "there is no list of products"},
    {"NoProducts", "products: []\n", "c:1:11:", "there is no list of products"},
    {"NoList", "products: {a: b}\n", "c:1:11:", "there is no list of products"},
    {"UnknownSection", "products:\n" ROW_8 "phones: []\n", "c:3:1:", "unknown key \"phones\""},
    {"RowIsText", "products:\n  - iPhone\n", "c:2:5:", "the product is a single value"},
    {"UnknownKey",
     "products:\n  - {type: \"iPhone10,1\", name: a, board: aap, chip: 1, board_id: 2, x: y}\n",
     "c:2:", "unknown key \"x\""},
    {"MissingKey", "products:\n  - {type: \"iPhone10,1\", name: a, board: d20ap, chip: 1}\n",
     "c:2:5:", "the product lacks \"board_id\""},
    {"UnquotedType",
     "products:\n  - {type: iPhone10,1, name: a, board: d20ap, chip: 1, board_id: 2}\n",
     "c:2:", ""},
    {"WrongType", "products:\n  - {type: iPhone, name: a, board: d20ap, chip: 1, board_id: 2}\n",
     "c:2:12:", "\"type\" is \"iPhone\""},
    {"DevelopmentBoard",
     "products:\n  - {type: \"iPhone10,1\", name: a, board: d20dev, chip: 1, board_id: 3}\n",
     "c:2:", "\"board\" is \"d20dev\""},
    {"ChipTooLarge",
     "products:\n  - {type: \"iPhone10,1\", name: a, board: d20ap, chip: 0x18015, board_id: 3}\n",
     "c:2:", "\"chip\" is 0x18015"},
    {"DoubledBoard",
     "products:\n" ROW_8
     "  - {type: \"iPhone10,9\", name: a, board: d20ap, chip: 1, board_id: 3}\n",
     "c:3:5:", "board d20ap is there twice, first in line 2"},
    {"DoubledChip",
     "products:\n" ROW_8
     "  - {type: \"iPhone10,9\", name: a, board: d99ap, chip: 0x8015, board_id: 2}\n",
     "c:3:5:", "chip 0x8015 with board id 0x02 is there twice, first in line 2"},
};

class BadCatalogueTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadCatalogueTest, IsRefusedWithItsPlace) {
  const auto catalogue = Catalogue::Parse(GetParam().yaml, "c");
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().code, ErrorCode::kConfigInvalid);
  EXPECT_THAT(catalogue.error().context, StartsWith(GetParam().place));
  EXPECT_THAT(catalogue.error().context, HasSubstr(GetParam().wrong));
  EXPECT_THAT(catalogue.error().context, HasSubstr("; allowed: "));
}

INSTANTIATE_TEST_SUITE_P(Cases, BadCatalogueTest, testing::ValuesIn(kCases),
                         [](const auto& bad) { return std::string(bad.param.name); });

// The public list of products, where it lies beside the source: STATION_DATA_DIR, or
// ../shared/data.
std::filesystem::path PublicList() {
  const char* folder = std::getenv("STATION_DATA_DIR");
  return std::filesystem::path(folder ? folder : STATION_SOURCE_DIR "/../shared/data") /
         "catalogue" / "blacktop_ipsw_db.json";
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

const config::yaml::Node* Find(const config::yaml::Node& map, std::string_view key) {
  for (const config::yaml::Entry& entry : map.entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

// JSON is YAML, so the strict reader reads it.
TEST(CatalogueTest, AgreesWithThePublicList) {
  const auto path = PublicList();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no public list at " << path;
  const auto list = config::yaml::Read(path);
  ASSERT_TRUE(list) << list.error().context;
  // Where the public list contradicts the restore library's table and its own development boards
  // (always one more).
  const std::map<std::string, std::uint32_t> kMisprints = {
      {"d47ap", 0x0a}, {"d48ap", 0x0e}, {"v54ap", 0x3e}};
  const Catalogue catalogue = TheCatalogue();
  for (const Product& product : catalogue.Products()) {
    const auto* listed = Find(list->root, product.type);
    ASSERT_NE(listed, nullptr) << product.type;
    bool found = false;
    for (const config::yaml::Entry& board : Find(*listed, "boards")->entries) {
      // The list prefixes some old boards with a sister's name ("J72J71AP").
      if (!Lower(board.key).ends_with(product.board)) continue;
      found = true;
      EXPECT_EQ(std::stoul(Find(board.value, "cpuid")->text, nullptr, 16), product.chip_id);
      const auto misprint = kMisprints.find(product.board);
      EXPECT_EQ(std::stoul(Find(board.value, "board_id")->text, nullptr, 16),
                misprint == kMisprints.end() ? product.board_id : misprint->second)
          << product.type;
    }
    EXPECT_TRUE(found) << product.type << " " << product.board;
  }
}

// Nobody's phone is left out: every iPhone since the 7 with a released board is there.
TEST(CatalogueTest, HoldsEveryReleasedIphoneOfThePublicList) {
  const auto path = PublicList();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no public list at " << path;
  const auto list = config::yaml::Read(path);
  ASSERT_TRUE(list) << list.error().context;
  const std::set<std::string> kNeverSold = {"iPhone16,3"};
  const Catalogue catalogue = TheCatalogue();
  for (const config::yaml::Entry& entry : list->root.entries) {
    if (!entry.key.starts_with("iPhone") || !std::isdigit(entry.key[6]) ||
        kNeverSold.contains(entry.key))
      continue;
    const int family = std::stoi(entry.key.substr(6));
    if (family < 9 || family >= 99) continue;
    for (const config::yaml::Entry& board : Find(entry.value, "boards")->entries) {
      if (!board.key.ends_with("AP")) continue;
      EXPECT_NE(catalogue.FindByBoard(board.key), nullptr) << entry.key << " " << board.key;
    }
  }
}

}  // namespace
}  // namespace station::catalogue
