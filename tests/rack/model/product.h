#pragma once
// What a simulated phone is: its line of the catalogue, and what its chip's generation asks of
// tickets. Nothing here knows one product from another.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/image4/digest.h"

namespace rack {

// What boot stages of a chip hold tickets against, and how they present themselves.
struct Generation {
  HashKind hash = HashKind::kSha384;  // of components and of the ticket's signature
  std::size_t ap_nonce_size = 32;
  bool chip_udid = false;    // UDID made of chip id and ECID, instead of 40 digits
  bool shows_domain = false;  // SDOM stands in the serial string
};

struct Product {
  std::string type;         // "iPhone10,1"
  std::string name;         // "iPhone 8"
  std::string board;        // "D20AP", as lockdownd says it
  std::string platform;     // "t8015"
  std::string device_class;  // "iPhone"
  std::uint32_t chip = 0;
  std::uint32_t board_id = 0;
  Generation generation;
};

// A7 to A9: SHA-1 and nonces of 20 bytes; then SHA-384 and 32 (reference 1.3, 4.5). From A12 on the
// UDID names the chip (1.5).
[[nodiscard]] Generation GenerationOf(std::uint32_t chip);

// "s5l8960x", "s8000", "t8015": what firmware calls the chip.
[[nodiscard]] std::string PlatformOf(std::uint32_t chip);

class ProductTable {
 public:
  // From the station's catalogue file. kConfigInvalid with file and line.
  [[nodiscard]] static station::Result<ProductTable> Load(const std::filesystem::path& file);
  // $RACK_CATALOGUE_FILE, the installed one, or the one of the source tree.
  [[nodiscard]] static std::filesystem::path DefaultFile();

  // The first board of that type, or the one named. Null when there is none.
  [[nodiscard]] const Product* Find(std::string_view type, std::string_view board = "") const;
  [[nodiscard]] const Product* FindBoard(std::uint32_t chip, std::uint32_t board_id) const;
  [[nodiscard]] const std::vector<Product>& All() const { return products_; }

 private:
  std::vector<Product> products_;
};

}  // namespace rack
