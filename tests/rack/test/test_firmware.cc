#include "tests/rack/test/test_firmware.h"

#include <fmt/format.h>

#include "tests/rack/image4/components.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"
#include "tests/rack/restore/restored.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

constexpr std::uint64_t kEcid = 0xABC;

Bytes Seeded(std::string_view name, std::size_t size) {
  const Bytes seed = Hash(HashKind::kSha384, AsBytes(name));
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(seed[i % seed.size()] + i / seed.size());
  return bytes;
}

void AddSigned(TestFirmware& firmware, const std::string& name, std::set<std::string> flags = {}) {
  const std::string type = TicketName(name);
  firmware.components[name] = {WritePayload(type, "test", Seeded(name, 900)), type,
                               std::move(flags)};
}

// Boot firmware and everything a restore of iOS 15 asks for.
void AddCommon(TestFirmware& firmware) {
  for (const char* name : {"LLB", "RestoreSEP", "SEP", "KernelCache", "DeviceTree"})
    AddSigned(firmware, name);
  for (const char* name : {"iBoot", "AppleLogo", "RecoveryMode"})
    AddSigned(firmware, name, {"IsFirmwarePayload"});
  for (const char* name :
       {"AOP", "StaticTrustCache", "SystemVolume", "Ap,SystemVolumeCanonicalMetadata"})
    AddSigned(firmware, name, {"IsFUDFirmware"});
}

void AddAuthEntry(Bytes& head, std::string_view key, std::string_view value) {
  const std::size_t size = 4 + key.size() + 1 + value.size();
  for (unsigned shift = 0; shift < 32; shift += 8)
    head.push_back(static_cast<std::uint8_t>(size >> shift));
  head.insert(head.end(), key.begin(), key.end());
  head.push_back(0);
  head.insert(head.end(), value.begin(), value.end());
}

// An encrypted archive whose key lies at an address that ends in `name` (reference 3.7).
Bytes Encrypted(std::string_view name, std::size_t size) {
  Bytes entries;
  AddAuthEntry(entries, "com.apple.wkms.fcs-response", "{}");
  AddAuthEntry(entries, "com.apple.wkms.fcs-key-url",
               fmt::format("http://wkms.rack.invalid/fcs-keys/{}", name));
  Bytes archive = {'A', 'E', 'A', '1', 1, 0, 0, 0};
  for (unsigned shift = 0; shift < 32; shift += 8)
    archive.push_back(static_cast<std::uint8_t>(entries.size() >> shift));
  archive.insert(archive.end(), entries.begin(), entries.end());
  const Bytes rest = Seeded(name, size - archive.size());
  archive.insert(archive.end(), rest.begin(), rest.end());
  return archive;
}

Bytes TicketFor(const TestFirmware& firmware, const Phone& phone) {
  const PhoneState state = phone.State();
  const Product& product = phone.Spec().product;
  Value request = Value::Dict{
      {"ApECID", kEcid},
      {"ApChipID", std::uint64_t{product.chip}},
      {"ApBoardID", std::uint64_t{product.board_id}},
      {"ApSecurityDomain", 1},
      {"ApNonce", state.ap_nonce},
      {"SepNonce", state.sep_nonce},
      {"UniqueBuildID", Bytes(20)},
      {"OS", Value::Dict{{"Digest", Hash(HashKind::kSha384, firmware.image)}, {"Trusted", true}}}};
  for (const auto& [name, component] : firmware.components) {
    if (component.type.empty()) continue;
    Bytes file = component.file;
    PatchType(file, component.type);
    request.Set(name, Value::Dict{{"Digest", Hash(HashKind::kSha384, file)}, {"Trusted", true}});
  }
  return TestSigner().Sign(request);
}

Marker MarkerFor(const TestFirmware& firmware) {
  Marker marker;
  marker.behaviour = firmware.behaviour;
  marker.build = firmware.build;
  marker.version = VersionForBuild(firmware.build);
  for (const auto& [name, component] : firmware.components) {
    marker.components[firmware.board].insert(name);
    if (component.type.empty())
      marker.digests[firmware.board][name] = Hash(HashKind::kSha384, component.file);
  }
  return marker;
}

}  // namespace

Value TestFirmware::Identity() const {
  Value manifest = Value::Dict{};
  for (const auto& [name, component] : components)
    manifest.Set(name, Value::Dict{{"Info", Value()}});
  return Value::Dict{{"Info", Value::Dict{{"DeviceClass", board}, {"RestoreBehavior", behaviour}}},
                     {"Manifest", std::move(manifest)}};
}

std::vector<std::string> TestFirmware::Flagged(const std::string& flag) const {
  std::vector<std::string> names;
  for (const auto& [name, component] : components)
    if (component.flags.contains(flag)) names.push_back(name);
  return names;
}

TestFirmware OldFirmware() {
  TestFirmware firmware;
  firmware.build = "19H999";
  firmware.board = "d20ap";
  firmware.image = Seeded("image", 300'000);
  AddCommon(firmware);
  return firmware;
}

TestFirmware NewFirmware() {
  TestFirmware firmware;
  firmware.build = "23C999";
  firmware.board = "d53gap";
  firmware.image = Encrypted("image", 300'000);
  AddCommon(firmware);
  AddSigned(firmware, "DCP", {"IsiBootEANFirmware"});
  firmware.components["Cryptex1,SystemOS"].file = Encrypted("system", 50'000);
  firmware.components["Cryptex1,AppOS"].file = Seeded("app", 20'000);
  firmware.components["Cryptex1,SystemVolume"].file = WritePayload("gtgv", "test", Bytes(200, 9));
  return firmware;
}

RestoreModePhone::RestoreModePhone(const std::string& product, const TestFirmware& firmware,
                                   const std::string& cart, const std::string& state_file) {
  const std::string line = fmt::format(
      "phones: [{{port: \"1-1\", product: \"{}\", ecid: \"{:#x}\", timing: {{flash: 0}}, "
      "updaters: false{}{}}}]",  // updater_test has those
      product, kEcid, cart.empty() ? "" : ", ", cart);
  phone =
      std::make_unique<Phone>(ParseCart(line, "", TestProducts())->front(), TestRoot(), state_file);
  ticket = TicketFor(firmware, *phone);
  phone->Change([&](PhoneState& state) {
    state.stage = Stage::kRestore;
    state.boot.ticket = ticket;
    state.boot.ticket_hash = TicketHash(ticket, phone->Spec().product.generation);
    state.boot.ramdisk = MarkerFor(firmware);
    state.boot.ramdisk_loaded = true;
    state.nvram["auto-boot"] = "false";
  });
  ServeRestoreMode(*phone, attachment);
}

std::string RestoreModePhone::LastError() const {
  return std::string(Name(phone->State().last_error.reason));
}

Event RestoreModePhone::NextEvent() {
  while (const auto request = phone->NextRequest())
    if (request->wish.kind == Phone::Wish::Kind::kEvent) return request->wish.event;
  return Event::kPowerOff;
}

}  // namespace rack
