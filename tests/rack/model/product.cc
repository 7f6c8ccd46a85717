#include "tests/rack/model/product.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "station/catalogue/catalogue.h"

namespace rack {
namespace {

constexpr std::uint32_t kA7 = 0x8960;
constexpr std::array<std::uint32_t, 6> kSha1Chips = {kA7, 0x7000, 0x7001, 0x8000, 0x8001, 0x8003};
constexpr std::uint32_t kFirstChipUdid = 0x8020;  // A12
constexpr std::uint32_t kFirstShownDomain = 0x8101;  // A14: the oldest serial strings seen with SDOM

bool IsSha1(std::uint32_t chip) { return std::ranges::find(kSha1Chips, chip) != kSha1Chips.end(); }

std::string Upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

Product FromCatalogue(const station::catalogue::Product& known) {
  return {.type = known.type,
          .name = known.name,
          .board = Upper(known.board),
          .platform = PlatformOf(known.chip_id),
          .device_class = known.type.substr(0, known.type.find_first_of("0123456789")),
          .chip = known.chip_id,
          .board_id = known.board_id,
          .generation = GenerationOf(known.chip_id)};
}

}  // namespace

std::string PlatformOf(std::uint32_t chip) {
  if (chip == kA7) return "s5l8960x";
  const bool samsung_name = chip >= 0x8000 && chip <= 0x8003;
  return fmt::format("{}{:04x}", samsung_name ? 's' : 't', chip);
}

Generation GenerationOf(std::uint32_t chip) {
  if (IsSha1(chip)) return {.hash = HashKind::kSha1, .ap_nonce_size = 20};
  return {.hash = HashKind::kSha384,
          .ap_nonce_size = 32,
          .chip_udid = chip >= kFirstChipUdid,
          .shows_domain = chip >= kFirstShownDomain};
}

station::Result<ProductTable> ProductTable::Load(const std::filesystem::path& file) {
  STATION_TRY(catalogue, station::catalogue::Catalogue::Load(file));
  ProductTable table;
  std::ranges::transform(catalogue.Products(), std::back_inserter(table.products_), FromCatalogue);
  return table;
}

std::filesystem::path ProductTable::DefaultFile() {
  if (const char* named = std::getenv("RACK_CATALOGUE_FILE"); named != nullptr && *named != '\0')
    return named;
  std::error_code ignored;
  if (std::filesystem::exists(RACK_SOURCE_CATALOGUE, ignored)) return RACK_SOURCE_CATALOGUE;
  return "/usr/share/station/catalogue.yaml";
}

const Product* ProductTable::Find(std::string_view type, std::string_view board) const {
  const std::string wanted = Upper(std::string(board));
  const auto found = std::ranges::find_if(products_, [&](const Product& product) {
    return product.type == type && (wanted.empty() || product.board == wanted);
  });
  return found == products_.end() ? nullptr : &*found;
}

const Product* ProductTable::FindBoard(std::uint32_t chip, std::uint32_t board_id) const {
  const auto found = std::ranges::find_if(products_, [&](const Product& product) {
    return product.chip == chip && product.board_id == board_id;
  });
  return found == products_.end() ? nullptr : &*found;
}

}  // namespace rack
