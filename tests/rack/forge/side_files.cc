#include "tests/rack/forge/side_files.h"

#include <algorithm>
#include <array>

#include "tests/rack/forge/baseband_file.h"
#include "tests/rack/forge/random_source.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::string_view kBaseband = "BasebandFirmware";
constexpr std::string_view kSecureElement = "SE,";
constexpr auto kPrefixes = std::to_array<std::string_view>(
    {"SE,", "Savage,", "Yonkers,", "Rap,", "Timer,", "BMU,", "Baobab,", "eUICC,", "Wireless1,",
     "Cellular1,", "USBPortController1,"});

bool IsSide(std::string_view component) {
  return component == kBaseband || std::ranges::any_of(kPrefixes, [&](std::string_view prefix) {
           return component.starts_with(prefix);
         });
}

Bytes Random(std::size_t size, std::uint64_t seed, const std::string& name) {
  Bytes bytes(size);
  RandomSource(seed, name).Fill(0, bytes);
  return bytes;
}

// A property list that reads and writes to the same bytes: hosts send it in the binary form, with
// the digest added, and the phone has to find out whether it is the same.
Bytes MakeFirmwareMap(const std::string& path, std::uint64_t seed) {
  const Value map =
      Value::Dict{{"FirmwareMapVersion", 1},
                  {"Images", Value::Dict{{"bootloader", Random(512, seed, path + "#bootloader")},
                                         {"firmware", Random(1024, seed, path + "#firmware")}}}};
  const std::string text = map.ToXml();
  return {text.begin(), text.end()};
}

void ReplaceDigest(Value& entry, const char* key, const Bytes& contents) {
  if (const Bytes* old = entry.Data(key))
    entry.Set(key, Hash(HashKindForSize(old->size()), contents));
}

void ReplaceMac(Value& entry, const char* key, const Bytes& contents) {
  const Bytes* old = entry.Data(key);
  if (old == nullptr || std::ranges::all_of(*old, [](std::uint8_t byte) { return byte == 0; }))
    return;  // all zero: the chip has no such version
  Bytes digest = Hash(HashKind::kSha256, contents);
  digest.resize(old->size());
  entry.Set(key, std::move(digest));
}

bool IsSideTag(std::string_view key) {
  return key.find(',') != std::string_view::npos || key.starts_with("Bb");
}

Value WithoutDigests(const Value& entry) {
  Value kept = Value::Dict{};
  for (const auto& [key, value] : *entry.AsDict())
    if (value.AsNumber() != nullptr || value.AsBool() != nullptr) kept.Set(key, value);
  return kept;
}

}  // namespace

std::optional<Bytes> MakeSideFile(const PlannedFile& file, std::uint64_t seed) {
  if (file.main_component == kBaseband) return MakeBasebandFile(file, seed);
  if (file.main_component == "BMU,FirmwareMap") return MakeFirmwareMap(file.path, seed);
  return std::nullopt;
}

bool HasSideDigests(std::string_view component) {
  return component == kBaseband || component.starts_with(kSecureElement);
}

Value WithSideDigests(const std::string& component, const Value& entry, const Value& identity,
                      const Bytes& contents) {
  Value changed = entry;
  if (component == kBaseband) ReplaceBasebandDigests(changed, identity, contents);
  if (component.starts_with(kSecureElement)) {
    for (const char* key : {"ProductionUpdatePayloadHash", "DevelopmentUpdatePayloadHash"})
      ReplaceDigest(changed, key, contents);
    for (const char* key : {"ProductionCMAC", "DevelopmentCMAC"})
      ReplaceMac(changed, key, contents);
  }
  return changed;
}

Value SideFacts(const Value& identity) {
  Value tags = Value::Dict{};
  for (const auto& [key, value] : *identity.AsDict())
    if (IsSideTag(key) && (value.AsText() != nullptr || value.AsNumber() != nullptr))
      tags.Set(key, value);
  Value entries = Value::Dict{};
  const Value* manifest = identity.Find("Manifest");
  if (manifest != nullptr && manifest->AsDict() != nullptr)
    for (const auto& [name, entry] : *manifest->AsDict()) {
      if (!IsSide(name) || entry.AsDict() == nullptr) continue;
      Value kept = name == kBaseband ? entry : WithoutDigests(entry);
      kept.Erase("Info");
      entries.Set(name, std::move(kept));
    }
  return Value::Dict{{"Tags", std::move(tags)}, {"Entries", std::move(entries)}};
}

}  // namespace rack
