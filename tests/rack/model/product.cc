#include "tests/rack/model/product.h"

#include <algorithm>
#include <array>

namespace rack {
namespace {

constexpr std::array kProducts = {
    Product{"iPhone10,1", "D20AP", 0x8015, 0x02, "iPhone 8", "t8015", "MQ6K2", false},
    Product{"iPhone10,4", "D201AP", 0x8015, 0x0A, "iPhone 8 (GSM)", "t8015", "MQ6X2", false},
    Product{"iPhone10,3", "D22AP", 0x8015, 0x06, "iPhone X", "t8015", "MQA52", true},
    Product{"iPhone10,6", "D221AP", 0x8015, 0x0E, "iPhone X (GSM)", "t8015", "MQAC2", true},
};

}  // namespace

std::span<const Product> AllProducts() { return kProducts; }

const Product* FindProduct(std::string_view type) {
  const auto found = std::ranges::find(kProducts, type, &Product::type);
  return found == kProducts.end() ? nullptr : &*found;
}

const Product* FindBoard(std::uint32_t chip, std::uint32_t board_id) {
  const auto found = std::ranges::find_if(kProducts, [&](const Product& product) {
    return product.chip == chip && product.board_id == board_id;
  });
  return found == kProducts.end() ? nullptr : &*found;
}

}  // namespace rack
