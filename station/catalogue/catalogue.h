#pragma once
// Products: which boards and chips they are and what people call them. The data lies in config/catalogue.yaml.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"

namespace station::catalogue {

struct Product {
  std::string type;   // "iPhone10,1"
  std::string name;   // "iPhone 8"
  std::string board;  // "d20ap", lower case, as BuildManifest's DeviceClass
  std::uint32_t chip_id = 0;   // 0x8015
  std::uint32_t board_id = 0;  // 0x02
};

class Catalogue {
 public:
  // kConfigInvalid with FILE:LINE for a malformed table, a doubled board or a doubled (chip, board id).
  [[nodiscard]] static Result<Catalogue> Load(const std::filesystem::path& file);
  [[nodiscard]] static Result<Catalogue> Parse(const std::string& yaml, const std::string& file_name);
  // Null when not in the table. Boards are compared without case.
  [[nodiscard]] const Product* FindByType(std::string_view type) const;
  [[nodiscard]] const Product* FindByBoard(std::string_view board) const;
  [[nodiscard]] const Product* FindByChip(std::uint32_t chip_id, std::uint32_t board_id) const;
  [[nodiscard]] const std::vector<Product>& Products() const { return products_; }

 private:
  std::vector<Product> products_;
};

}  // namespace station::catalogue
