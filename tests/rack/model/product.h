#pragma once
// The products the rack can play: facts only, one line each.

#include <cstdint>
#include <span>
#include <string_view>

namespace rack {

struct Product {
  std::string_view type;   // "iPhone10,1"
  std::string_view board;  // "D20AP", as lockdownd says it
  std::uint32_t chip;
  std::uint32_t board_id;
  std::string_view name;
  std::string_view platform;  // "t8015"
  std::string_view model;     // first half of a part number
  bool face_id;
};

[[nodiscard]] std::span<const Product> AllProducts();
// Null when the rack does not know it.
[[nodiscard]] const Product* FindProduct(std::string_view type);
[[nodiscard]] const Product* FindBoard(std::uint32_t chip, std::uint32_t board_id);

}  // namespace rack
