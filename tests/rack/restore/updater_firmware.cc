#include "tests/rack/restore/updater_firmware.h"

#include <algorithm>
#include <array>

#include "tests/rack/forge/ftab.h"
#include "tests/rack/image4/components.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/side/little_endian.h"

namespace rack {
namespace {

using Span = std::span<const std::uint8_t>;
using Checked = std::expected<Written, Refusal>;

constexpr std::size_t kSavagePrefix = 16;

std::unexpected<Refusal> NoAnswer(const Peripheral& chip, const std::string& why) {
  return std::unexpected(
      Refusal{Reason::kUpdaterAnswer, std::string(Name(chip.updater)) + ": " + why});
}
std::unexpected<Refusal> Wrong(const std::string& component) {
  return std::unexpected(
      Refusal{Reason::kUpdaterFirmware, component + ": not the firmware its ticket is for"});
}

// What the ticket says of a component, under the first of the keys that it has.
const Bytes* DigestIn(const Value& bound, const std::string& component,
                      std::initializer_list<const char*> keys) {
  const Value* entry = bound.Find(component);
  if (entry == nullptr) return nullptr;
  for (const char* key : keys)
    if (const Bytes* digest = entry->Data(key)) return digest;
  return nullptr;
}

Checked Compare(const Value& bound, const std::string& component, Span firmware) {
  const Bytes* digest = DigestIn(bound, component, {"Digest"});
  if (digest == nullptr || Hash(HashKindForSize(digest->size()), firmware) != *digest)
    return Wrong(component);
  return Written{{component, *digest}};
}

// Which component an SE takes follows from its chip id (reference 6.8).
Checked CheckSe(const Peripheral& chip, const BoardFacts& facts, const Value& bound,
                Span firmware) {
  constexpr std::uint64_t kFirstSe = 0x20211;
  const bool first = chip.identity.Number("SE,ChipID") == kFirstSe;
  const std::string component =
      first || !facts.Names("SE,UpdatePayload") ? "SE,Firmware" : "SE,UpdatePayload";
  const Bytes* digest =
      DigestIn(bound, component, {"ProductionUpdatePayloadHash", "ProductionCMAC", "Digest"});
  if (digest == nullptr) return Wrong(component);
  Bytes own = Hash(HashKindForSize(std::max<std::size_t>(digest->size(), 32)), firmware);
  own.resize(digest->size());
  if (own != *digest) return Wrong(component);
  return Written{{component, *digest}};
}

Checked CheckSavage(const Peripheral& chip, const BoardFacts& facts, const Value& bound,
                    Span firmware) {
  if (firmware.size() < kSavagePrefix)
    return NoAnswer(chip, "FirmwareData is shorter than its prefix");
  const Span patch = firmware.subspan(kSavagePrefix);
  Bytes prefix;
  Put32(prefix, 0);
  Put32(prefix, patch.size());
  prefix.resize(kSavagePrefix);
  if (!std::ranges::equal(prefix, firmware.first(kSavagePrefix)))
    return NoAnswer(chip, "FirmwareData does not begin with 0, its size, 0, 0");
  return Compare(bound, PatchFor(chip.updater, facts), patch);
}

Checked CheckYonkers(const Peripheral& chip, const BoardFacts& facts, const Value& bound,
                     Span firmware) {
  return Compare(bound, PatchFor(chip.updater, facts), firmware);
}

// Each image under a tag is a component of its own; the one for restores has been appended.
Checked CheckFtab(const Peripheral& chip, const BoardFacts& facts, const Value& bound,
                  Span firmware) {
  if (!IsFtab(firmware)) return NoAnswer(chip, "FirmwareData is no ftab");
  const std::size_t comma = chip.ticket.find(',', chip.prefix.size());
  const std::string suffix = comma == std::string::npos ? "" : chip.ticket.substr(comma);
  Written written;
  for (const std::string& component : facts.components) {
    if (!component.starts_with(chip.prefix) || !component.ends_with(suffix)) continue;
    const std::string tag = TicketName(component);
    if (tag.empty()) continue;
    const auto image = FtabPart(firmware, tag);
    if (!image) return NoAnswer(chip, "no " + tag + " in the ftab");
    Checked one = Compare(bound, component, *image);
    if (!one) return one;
    written.merge(*one);
  }
  if (written.empty()) return NoAnswer(chip, "nothing in the ftab for this chip");
  return written;
}

// The map as a binary property list, its digest added; written as it lies in the IPSW it must have
// that digest.
Checked CheckVeridian(const Peripheral& chip, const BoardFacts& /*facts*/, const Value& bound,
                      Span firmware) {
  constexpr const char* kMap = "BMU,FirmwareMap";
  auto map = Value::Parse(firmware);
  if (!AsText(firmware).starts_with("bplist00") || !map || map->AsDict() == nullptr)
    return NoAnswer(chip, "FirmwareData is no binary property list");
  const Bytes* named = map->Data("fw_map_digest");
  const Bytes* digest = DigestIn(bound, kMap, {"Digest"});
  if (named == nullptr || digest == nullptr || *named != *digest)
    return NoAnswer(chip, "fw_map_digest is not the signed one");
  map->Erase("fw_map_digest");
  return Compare(bound, kMap, AsBytes(map->ToXml()));
}

Checked CheckTcon(const Peripheral& /*chip*/, const BoardFacts& /*facts*/, const Value& bound,
                  Span firmware) {
  return Compare(bound, "Baobab,TCON", firmware);
}

using Check = Checked (*)(const Peripheral&, const BoardFacts&, const Value&, Span);
struct Row {
  Updater updater;
  Check check;
};
constexpr auto kRows = std::to_array<Row>({{Updater::kSe, CheckSe},
                                           {Updater::kSavage, CheckSavage},
                                           {Updater::kYonkers, CheckYonkers},
                                           {Updater::kRose, CheckFtab},
                                           {Updater::kVeridian, CheckVeridian},
                                           {Updater::kTcon, CheckTcon},
                                           {Updater::kRetimer, CheckFtab}});

}  // namespace

bool BringsFirmware(Updater updater) {
  return std::ranges::find(kRows, updater, &Row::updater) != kRows.end();
}

Checked CheckFirmware(const Peripheral& chip, const BoardFacts& facts, const Value& bound,
                      const Value& response) {
  const auto row = std::ranges::find(kRows, chip.updater, &Row::updater);
  if (row == kRows.end()) return Written();
  const Value* data = response.Find("FirmwareData");
  if (data != nullptr && chip.updater == Updater::kYonkers) data = data->Find("YonkersFirmware");
  if (data == nullptr || data->AsBytes() == nullptr) return NoAnswer(chip, "no FirmwareData");
  return row->check(chip, facts, bound, *data->AsBytes());
}

}  // namespace rack
