#include "station/restore/updater_firmware.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "station/base/log.h"
#include "station/restore/ftab.h"
#include "station/restore/little_endian.h"
#include "station/signing/request_fields.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;
using signing::PeripheralRequest;

// Chip ids of secure elements that take the one component or the other.
struct SecureElementRow {
  std::uint64_t chip_id;
  const char* component;
};
constexpr auto kSecureElements = std::to_array<SecureElementRow>({
    {0x20211, "SE,Firmware"},
    {0x73, "SE,UpdatePayload"},
    {0x64, "SE,UpdatePayload"},
    {0xC8, "SE,UpdatePayload"},
    {0xD2, "SE,UpdatePayload"},
    {0x2C, "SE,UpdatePayload"},
    {0x36, "SE,UpdatePayload"},
    {0x37, "SE,UpdatePayload"},
});

Result<Plist> Plain(const ComponentSource& components, const std::string& component) {
  STATION_TRY(bytes, components.Unchanged(component));
  return Plist::Data(bytes);
}

Result<Plist> SecureElement(const PeripheralRequest& asked, View,
                            const ComponentSource& components) {
  const auto chip = signing::NumberOf(asked.request["SE,ChipID"]).value_or(0);
  const auto* row = std::ranges::find(kSecureElements, chip, &SecureElementRow::chip_id);
  if (row != kSecureElements.end()) return Plain(components, row->component);
  Log(LogLevel::kWarning, "a secure element of an unknown kind",
      {{"chip_id", std::to_string(chip)}});
  const bool has_payload = components.Identity().Has("SE,UpdatePayload");
  return Plain(components, has_payload ? "SE,UpdatePayload" : "SE,Firmware");
}

// 16 bytes stand before a Savage patch: zero, its size at offset 4, zero.
Result<Plist> Savage(const PeripheralRequest& asked, View, const ComponentSource& components) {
  STATION_TRY(patch, components.Unchanged(asked.component));
  std::vector<std::uint8_t> bytes(16);
  WriteLittle32(bytes, 4, static_cast<std::uint32_t>(patch.size()));
  bytes.insert(bytes.end(), patch.begin(), patch.end());
  return Plist::Data(bytes);
}

Result<Plist> Yonkers(const PeripheralRequest& asked, View, const ComponentSource& components) {
  STATION_TRY(patch, Plain(components, asked.component));
  Plist firmware = Plist::Dict();
  firmware.Set("YonkersFirmware", std::move(patch));
  return firmware;
}

// The installed system's table, with the entry of the restore system's table behind it.
Result<Plist> MergedTables(const ComponentSource& components, const std::string& installed,
                           const std::string& restore) {
  STATION_TRY(bytes, components.Unchanged(installed));
  if (!components.Identity().Has(restore)) return Plist::Data(bytes);
  STATION_TRY(table, Ftab::Parse(bytes));
  STATION_TRY(restore_bytes, components.Unchanged(restore));
  STATION_TRY(restore_table, Ftab::Parse(restore_bytes));
  STATION_TRY(entry, restore_table.Find("rrko"));
  table.Append("rrko", entry);
  return Plist::Data(table.Write());
}

Result<Plist> Rose(const PeripheralRequest&, View, const ComponentSource& components) {
  return MergedTables(components, "Rap,RTKitOS", "Rap,RestoreRTKitOS");
}

Result<Plist> Retimer(const PeripheralRequest&, View info, const ComponentSource& components) {
  const auto number = signing::NumberOf(info["InfoArray"].At(0)["TagNumber"]).value_or(0);
  return MergedTables(components, "Timer,RTKitOS," + std::to_string(number),
                      "Timer,RestoreRTKitOS," + std::to_string(number));
}

// The map with its own digest in it, as binary property list.
Result<Plist> Veridian(const PeripheralRequest&, View, const ComponentSource& components) {
  static constexpr const char* kMap = "BMU,FirmwareMap";
  STATION_TRY(bytes, components.Unchanged(kMap));
  auto map = Plist::Parse(bytes);
  const View digest = components.Identity().Node()["Manifest"][kMap]["Digest"];
  if (!map || !map->Get().IsDict() || !digest.IsData())
    return Fail(ErrorCode::kFirmwareMalformed,
                std::string(kMap) + " is no property list or has no digest");
  map->Set("fw_map_digest", Plist::Copy(digest));
  const std::string binary = map->ToBinary();
  return Plist::Data({reinterpret_cast<const std::uint8_t*>(binary.data()), binary.size()});
}

Result<Plist> Tcon(const PeripheralRequest&, View, const ComponentSource& components) {
  return Plain(components, "Baobab,TCON");
}

struct Row {
  std::string_view chip;
  Result<Plist> (*firmware)(const PeripheralRequest&, View, const ComponentSource&);
};
constexpr auto kRows = std::to_array<Row>({
    {"SE", &SecureElement},
    {"Savage", &Savage},
    {"Yonkers", &Yonkers},
    {"Rose", &Rose},
    {"T200", &Veridian},
    {"AppleTCON", &Tcon},
    {"AppleTypeCRetimer", &Retimer},
});

}  // namespace

Result<std::optional<Plist>> UpdaterFirmware(const PeripheralRequest& asked, View info,
                                             const ComponentSource& components) {
  const auto* row = std::ranges::find(kRows, asked.chip, &Row::chip);
  if (row == kRows.end()) return std::nullopt;
  STATION_TRY(firmware, row->firmware(asked, info, components));
  return std::optional(std::move(firmware));
}

}  // namespace station::restore
