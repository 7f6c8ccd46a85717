#include "station/catalogue/catalogue.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cctype>

#include "config/yaml/map_reader.h"

namespace station::catalogue {
namespace {

using config::yaml::Faults;
using config::yaml::Kind;
using config::yaml::MapReader;
using config::yaml::Node;
using config::yaml::TextRule;

bool SameBoard(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

constexpr std::string_view kSmallAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";

// "iPhone10,1": letters, digits, a comma, digits.
bool IsType(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t number = text.find_first_of(kDigits);
  const std::size_t comma = text.find(',');
  if (number == 0 || number == std::string_view::npos || comma == std::string_view::npos)
    return false;
  const auto digits = [&](std::string_view part) {
    return !part.empty() && part.find_first_not_of(kDigits) == std::string_view::npos;
  };
  return comma > number && text.size() <= 32 && digits(text.substr(number, comma - number)) &&
         digits(text.substr(comma + 1)) &&
         std::ranges::all_of(text.substr(0, number),
                             [](unsigned char c) { return std::isalpha(c); });
}

bool IsName(std::string_view text) { return !text.empty() && text.size() <= 64; }

bool IsBoard(std::string_view text) {
  return text.size() > 2 && text.size() <= 32 && text.ends_with("ap") &&
         text.find_first_not_of(kSmallAndDigits) == std::string_view::npos;
}

const TextRule kType = {IsType, "a type such as \"iPhone10,1\""};
const TextRule kName = {IsName, "a name of 1 to 64 characters"};
const TextRule kBoard = {IsBoard, "a board such as d20ap, in small letters"};

struct Row {
  Product product;
  config::yaml::Place place;
};

Product ReadProduct(const Node& node, Faults& faults) {
  Product product;
  MapReader keys(&node, "the product", faults);
  std::uint64_t chip = 0;
  std::uint64_t board_id = 0;
  keys.Require({"type", "name", "board", "chip", "board_id"});
  keys.Text("type", product.type, kType);
  keys.Text("name", product.name, kName);
  keys.Text("board", product.board, kBoard);
  keys.Number("chip", chip, 1, 0xffff);
  keys.Number("board_id", board_id, 0, 0xff);
  keys.RejectRest();
  product.chip_id = static_cast<std::uint32_t>(chip);
  product.board_id = static_cast<std::uint32_t>(board_id);
  return product;
}

void CheckAgainst(const std::vector<Row>& before, const Row& row, Faults& faults) {
  for (const Row& other : before) {
    if (SameBoard(other.product.board, row.product.board))
      faults.Add(row.place,
                 fmt::format("board {} is there twice, first in line {}", row.product.board,
                             other.place.line),
                 "every board once");
    if (other.product.chip_id == row.product.chip_id &&
        other.product.board_id == row.product.board_id)
      faults.Add(row.place,
                 fmt::format("chip {:#06x} with board id {:#04x} is there twice, first in line {}",
                             row.product.chip_id, row.product.board_id, other.place.line),
                 "every pair of chip and board_id once");
  }
}

Result<std::vector<Product>> ReadAll(const config::yaml::Document& document) {
  Faults faults(document.file);
  MapReader keys(&document.root, "the catalogue", faults);
  std::vector<Row> rows;
  const Node* list = keys.Take("products");
  if (list == nullptr || list->kind != Kind::kList || list->items.empty()) {
    faults.Add(list == nullptr ? document.root.place : list->place, "there is no list of products",
               "products: and one line for each");
  } else {
    for (const Node& item : list->items) {
      Row row{ReadProduct(item, faults), item.place};
      STATION_CHECK(faults.Verdict());
      CheckAgainst(rows, row, faults);
      rows.push_back(std::move(row));
    }
  }
  keys.RejectRest();
  STATION_CHECK(faults.Verdict());
  std::vector<Product> products;
  for (Row& row : rows) products.push_back(std::move(row.product));
  return products;
}

}  // namespace

Result<Catalogue> Catalogue::Load(const std::filesystem::path& file) {
  STATION_TRY(document, config::yaml::Read(file));
  Catalogue catalogue;
  STATION_TRY(products, ReadAll(document));
  catalogue.products_ = std::move(products);
  return catalogue;
}

Result<Catalogue> Catalogue::Parse(const std::string& yaml, const std::string& file_name) {
  STATION_TRY(document, config::yaml::Parse(yaml, file_name));
  Catalogue catalogue;
  STATION_TRY(products, ReadAll(document));
  catalogue.products_ = std::move(products);
  return catalogue;
}

const Product* Catalogue::FindByType(std::string_view type) const {
  const auto found = std::ranges::find(products_, type, &Product::type);
  return found == products_.end() ? nullptr : &*found;
}

const Product* Catalogue::FindByBoard(std::string_view board) const {
  const auto found = std::ranges::find_if(
      products_, [&](const Product& product) { return SameBoard(product.board, board); });
  return found == products_.end() ? nullptr : &*found;
}

const Product* Catalogue::FindByChip(std::uint32_t chip_id, std::uint32_t board_id) const {
  const auto found = std::ranges::find_if(products_, [&](const Product& product) {
    return product.chip_id == chip_id && product.board_id == board_id;
  });
  return found == products_.end() ? nullptr : &*found;
}

}  // namespace station::catalogue
