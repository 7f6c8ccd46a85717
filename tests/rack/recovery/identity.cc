#include "tests/rack/recovery/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "station/base/ids.h"

namespace rack {
namespace {

constexpr std::uint16_t kRecoveryProduct = 0x1281;
constexpr std::uint16_t kDfuProduct = 0x1227;
constexpr std::uint32_t kFirstWithSika = 0x8120;  // A16

struct Rom {
  std::uint32_t chip;
  const char* version;
};

// What boot ROMs call themselves; clients read nothing into it but that it is there.
constexpr auto kRoms = std::to_array<Rom>({
    {0x8960, "1704.10"},
    {0x7000, "1992.0.0.1.19"},
    {0x7001, "1991.0.0.2.16"},
    {0x8000, "2234.0.0.3.3"},
    {0x8001, "2481.0.0.2.1"},
    {0x8003, "2234.0.0.2.22"},
    {0x8010, "2696.0.0.1.33"},
    {0x8011, "3135.0.0.2.3"},
    {0x8015, "3332.0.0.1.23"},
    {0x8030, "6723.0.0.6.11"},
    {0x8110, "6338.0.0.200.19"},
    {0x8120, "7195.0.0.300.25"},
});

std::string RomVersion(std::uint32_t chip) {
  const auto found = std::ranges::find(kRoms, chip, &Rom::chip);
  return found == kRoms.end() ? kRoms.back().version : found->version;
}

std::string Upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// What both serial strings begin with; `flags` is IBFL.
std::string Serial(const PhoneSpec& spec, unsigned flags) {
  const Product& product = spec.product;
  return fmt::format("{}CPID:{:04X} CPRV:11 CPFM:03 SCEP:01 BDID:{:02X} ECID:{:016X} IBFL:{:02X}{}",
                     product.generation.shows_domain ? "SDOM:01 " : "", product.chip,
                     product.board_id, spec.ecid.value, flags,
                     product.chip >= kFirstWithSika ? " SIKA:00" : "");
}

void ShowNonces(UsbIdentity& identity, const Phone& phone) {
  identity.fresh_nonces = [&phone] {
    const Phone::Nonces shown = phone.ShownNonces();
    return Upper(" nonc:" + station::ToHex(shown.ap) + " snon:" + station::ToHex(shown.sep));
  };
  identity.nonces = identity.fresh_nonces();
}

}  // namespace

UsbIdentity RecoveryIdentity(const Phone& phone) {
  UsbIdentity identity;
  identity.shape = UsbIdentity::Shape::kRecovery;
  identity.product_id = kRecoveryProduct;
  identity.product = "Apple Mobile Device (Recovery Mode)";
  identity.serial = fmt::format("{} SRNM:[{}]", Serial(phone.Spec(), 0x3D), phone.Spec().serial);
  ShowNonces(identity, phone);
  return identity;
}

UsbIdentity DfuIdentity(const Phone& phone) {
  UsbIdentity identity;
  identity.shape = UsbIdentity::Shape::kDfu;
  identity.product_id = kDfuProduct;
  identity.product = "Apple Mobile Device (DFU Mode)";
  identity.serial = fmt::format("{} SRTG:[iBoot-{}]", Serial(phone.Spec(), 0x3C),
                                RomVersion(phone.Spec().product.chip));
  ShowNonces(identity, phone);
  return identity;
}

}  // namespace rack
