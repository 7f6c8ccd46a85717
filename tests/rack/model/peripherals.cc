#include "tests/rack/model/peripherals.h"

#include <algorithm>
#include <array>
#include <span>

#include "tests/rack/image4/digest.h"
#include "tests/rack/model/chance.h"

namespace rack {
namespace {

// Where the value of a field comes from.
enum class From : std::uint8_t {
  kTag,  // the identity, under `key`
  kOwn,  // this phone's for ever: that many bytes
  kOwnNumber,
  kFresh,   // a nonce of that many bytes
  kFlag,    // 0 or 1
  kNumber,  // the number itself
};

struct Field {
  const char* key;  // in a signing request
  From from;
  std::uint32_t size = 0;          // or the value itself
  const char* info_key = nullptr;  // in MessageArgInfo, when it is called otherwise there
};

constexpr Field kSe[] = {{"SE,ChipID", From::kTag},
                         {"SE,ID", From::kOwn, 24},
                         {"SE,Nonce", From::kFresh, 20},
                         {"SE,RootKeyIdentifier", From::kOwn, 16},
                         {"SE,IsDev", From::kFlag, 0}};
constexpr Field kSavage[] = {{"Savage,ChipID", From::kTag},
                             {"Savage,PatchEpoch", From::kTag},
                             {"Savage,UID", From::kOwn, 16},
                             {"Savage,Nonce", From::kFresh, 20},
                             {"Savage,AllowOfflineBoot", From::kFlag, 0},
                             {"Savage,ReadFWKey", From::kFlag, 1},
                             {"Savage,ReadECKey", From::kFlag, 0},
                             {"Savage,ProductionMode", From::kFlag, 1}};
constexpr Field kYonkers[] = {
    {"Yonkers,BoardID", From::kTag},           {"Yonkers,ChipID", From::kTag},
    {"Yonkers,PatchEpoch", From::kTag},        {"Yonkers,ECID", From::kOwnNumber},
    {"Yonkers,Nonce", From::kFresh, 20},       {"Yonkers,AllowOfflineBoot", From::kFlag, 0},
    {"Yonkers,ReadFWKey", From::kFlag, 1},     {"Yonkers,ReadECKey", From::kFlag, 0},
    {"Yonkers,ProductionMode", From::kFlag, 1}};
constexpr Field kRose[] = {
    {"Rap,BoardID", From::kTag},          {"Rap,ChipID", From::kTag},
    {"Rap,SecurityDomain", From::kTag},   {"Rap,ECID", From::kOwnNumber},
    {"Rap,Nonce", From::kFresh, 32},      {"Rap,ProductionMode", From::kFlag, 1},
    {"Rap,SecurityMode", From::kFlag, 1}, {"Rap,FdrRootCaDigest", From::kOwn, 32}};
constexpr Field kVeridian[] = {{"BMU,ChipID", From::kTag, 0, "ChipID"},
                               {"BMU,UniqueID", From::kOwnNumber, 0, "UniqueID"},
                               {"BMU,Nonce", From::kFresh, 32, "Nonce"},
                               {"BMU,ProductionMode", From::kFlag, 1, "ProductionMode"}};
constexpr Field kTcon[] = {
    {"Baobab,BoardID", From::kTag},       {"Baobab,ChipID", From::kTag},
    {"Baobab,ManifestEpoch", From::kTag}, {"Baobab,SecurityDomain", From::kTag},
    {"Baobab,ECID", From::kOwn, 8},       {"Baobab,UpdateNonce", From::kFresh, 32},
    {"Baobab,Life", From::kNumber, 1},    {"Baobab,ProductionMode", From::kFlag, 1}};
// All with the number of the retimer behind a comma.
constexpr Field kRetimer[] = {{"Timer,ChipID", From::kTag, 0, "ChipID"},
                              {"Timer,BoardID", From::kTag, 0, "BoardID"},
                              {"Timer,SecurityDomain", From::kTag, 0, "SecurityDomain"},
                              {"Timer,ECID", From::kOwnNumber, 0, "ECID"},
                              {"Timer,Nonce", From::kFresh, 32, "Nonce"},
                              {"Timer,SecurityMode", From::kFlag, 1, "SecurityMode"},
                              {"Timer,ProductionMode", From::kNumber, 1, "ProductionStatus"}};
constexpr Field kVinyl[] = {{"eUICC,ChipID", From::kTag},
                            {"eUICC,EID", From::kOwn, 16},
                            {"eUICC,RootKeyIdentifier", From::kOwn, 20}};
constexpr Field kCentauri[] = {
    {"Wireless1,ChipID", From::kTag},          {"Wireless1,BoardID", From::kTag},
    {"Wireless1,SecurityDomain", From::kTag},  {"Wireless1,ECID", From::kOwnNumber},
    {"Wireless1,Nonce", From::kFresh, 32},     {"Wireless1,ProductionMode", From::kFlag, 1},
    {"Wireless1,SecurityMode", From::kFlag, 1}};
constexpr Field kCryptex1[] = {{"Cryptex1,Nonce", From::kFresh, 32}};

struct Kind {
  Updater updater;
  const char* name;
  const char* ticket;
  const char* prefix;
  std::span<const Field> fields;
};
constexpr auto kKinds = std::to_array<Kind>(
    {{Updater::kSe, "SE", "SE,Ticket", "SE,", kSe},
     {Updater::kSavage, "Savage", "Savage,Ticket", "Savage,", kSavage},
     {Updater::kYonkers, "Savage", "Yonkers,Ticket", "Yonkers,", kYonkers},
     {Updater::kRose, "Rose", "Rap,Ticket", "Rap,", kRose},
     {Updater::kVeridian, "T200", "BMU,Ticket", "BMU,", kVeridian},
     {Updater::kTcon, "AppleTCON", "Baobab,Ticket", "Baobab,", kTcon},
     {Updater::kRetimer, "AppleTypeCRetimer", "Timer,Ticket", "Timer,", kRetimer},
     {Updater::kVinyl, "Vinyl", "eUICC,Ticket", "eUICC,", kVinyl},
     {Updater::kCentauri, "Centauri", "Wireless1,Ticket", "Wireless1,", kCentauri},
     {Updater::kCryptex1, "Cryptex1", "Cryptex1,Ticket", "Cryptex1,", kCryptex1}});

const Kind& KindOf(Updater updater) { return *std::ranges::find(kKinds, updater, &Kind::updater); }

// Below 2^56: some clients read chip ids as signed numbers.
std::uint64_t OwnNumber(const PhoneSpec& spec, const std::string& what) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : Own(spec, what, 7)) number = number << 8U | byte;
  return number;
}

Value ValueOf(const Field& field, const std::string& key, const PhoneSpec& spec,
              const BoardFacts& facts) {
  switch (field.from) {
    case From::kTag:
      return facts.Tag(key).value_or(0);
    case From::kOwn:
      return Own(spec, key, field.size);
    case From::kOwnNumber:
      return OwnNumber(spec, key);
    case From::kFresh:
      return Drawn(spec, key, field.size);
    case From::kFlag:
      return field.size != 0;
    case From::kNumber:
      return std::uint64_t{field.size};
  }
  return {};
}

Peripheral Describe(const Kind& kind, const PhoneSpec& spec, const BoardFacts& facts,
                    const std::string& suffix = "") {
  Peripheral chip{kind.updater,  kind.ticket + suffix, kind.prefix,
                  Value::Dict{}, Value::Dict{},        Value::Dict{}};
  for (const Field& field : kind.fields) {
    const std::string key = field.key + suffix;
    const Value value = ValueOf(field, key, spec, facts);
    chip.info.Set(field.info_key != nullptr ? field.info_key : key, value);
    if (field.from == From::kFresh)
      chip.nonces.Set(key, value);
    else
      chip.identity.Set(key, value);
  }
  return chip;
}

// Reference 5.5: what reaches the request is nested in the information.
Peripheral DescribeRetimer(const Kind& kind, const PhoneSpec& spec, const BoardFacts& facts,
                           const std::string& number) {
  Peripheral chip = Describe(kind, spec, facts, "," + number);
  Value hardware = std::exchange(chip.info, Value::Dict{});
  chip.info.Set("InfoArray",
                Value::Array{Value::Dict{{"HardwareID", std::move(hardware)},
                                         {"TagNumber", std::uint64_t{std::strtoul(number.c_str(), nullptr, 10)}},
                                         {"TicketName", chip.ticket}}});
  chip.info.Set("APInfo", Value::Dict{});
  return chip;
}

std::vector<Peripheral> Retimers(const Kind& kind, const PhoneSpec& spec, const BoardFacts& facts) {
  constexpr std::string_view kSystem = "Timer,RTKitOS,";
  std::vector<Peripheral> chips;
  for (const std::string& component : facts.components)
    if (component.starts_with(kSystem))
      chips.push_back(DescribeRetimer(kind, spec, facts, component.substr(kSystem.size())));
  return chips;
}

Bytes Cryptex1Udid(const PhoneSpec& spec) {
  Bytes udid;
  for (const std::uint64_t number : {std::uint64_t{spec.product.chip}, spec.ecid.value})
    for (int shift = 56; shift >= 0; shift -= 8)
      udid.push_back(static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift)));
  return udid;
}

// What the tables cannot say.
void Complete(Peripheral& chip, const PhoneSpec& spec, const BoardFacts& facts) {
  if (chip.updater == Updater::kSavage) {
    const std::string patch = PatchFor(chip.updater, facts);  // "Savage,B2-Prod-Patch"
    const std::uint8_t revision = patch.find(",BA") != std::string::npos   ? 0xA0
                                  : patch.find(",B2") != std::string::npos ? 0x20
                                                                           : 0x00;
    chip.info.Set("Savage,Revision", Bytes{revision, 0, 0, 0});
  }
  if (chip.updater == Updater::kYonkers) {
    const Value* entry = facts.entries.Find(PatchFor(chip.updater, facts));
    chip.info.Set("Yonkers,FabRevision",
                  entry == nullptr ? 0 : entry->Number("FabRevision").value_or(0));
    chip.info = Value::Dict{{"YonkersDeviceInfo", std::move(chip.info)}};
  }
  if (chip.updater == Updater::kVinyl)
    for (const char* nonce : {"EUICCGoldNonce", "EUICCMainNonce"})
      chip.info.Set(nonce, Drawn(spec, nonce, 16));
  if (chip.updater == Updater::kCryptex1) chip.identity.Set("Cryptex1,UDID", Cryptex1Udid(spec));
}

// Basebands by product, as far as they are public; a product with others is known by its firmware.
// Serial numbers have 4 bytes with chips of Qualcomm, 12 with chips of Intel.
struct KnownBaseband {
  std::string_view product;
  std::uint32_t chip;
  std::uint32_t certificate;
};
constexpr auto kBasebands = std::to_array<KnownBaseband>({{"iPhone6,1", 0x6F20E1, 0xD3DA5742},
                                                          {"iPhone6,2", 0x6F20E1, 0xD3DA5742},
                                                          {"iPhone9,1", 0x9540E1, 0x89FF7C59},
                                                          {"iPhone9,2", 0x9540E1, 0x89FF7C59},
                                                          {"iPhone9,3", 0x60, 0x54B405F1},
                                                          {"iPhone9,4", 0x60, 0x54B405F1},
                                                          {"iPhone10,1", 0x3B0E1, 0x89FF7C59},
                                                          {"iPhone10,2", 0x3B0E1, 0x89FF7C59},
                                                          {"iPhone10,3", 0x3B0E1, 0x89FF7C59},
                                                          {"iPhone10,4", 0x65, 0x1F3F5BDF},
                                                          {"iPhone10,5", 0x65, 0x1F3F5BDF},
                                                          {"iPhone10,6", 0x65, 0x1F3F5BDF}});
constexpr std::uint64_t kLastIntelChip = 0xFF;

}  // namespace

std::optional<std::uint64_t> BoardFacts::Tag(const std::string& key) const {
  if (const auto number = tags.Number(key)) return number;
  const std::string text = tags.Text(key);
  if (text.empty()) return std::nullopt;
  return std::strtoull(text.c_str(), nullptr, 0);
}

BoardFacts FactsFor(const Marker& ramdisk, const Product& product) {
  std::string board = product.board;
  std::ranges::transform(board, board.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  BoardFacts facts;
  if (const auto found = ramdisk.components.find(board); found != ramdisk.components.end())
    facts.components = found->second;
  if (const auto found = ramdisk.sides.find(board); found != ramdisk.sides.end()) {
    if (const Value* tags = found->second.Find("Tags")) facts.tags = *tags;
    if (const Value* entries = found->second.Find("Entries")) facts.entries = *entries;
  }
  return facts;
}

const char* Name(Updater updater) { return KindOf(updater).name; }

std::string PatchFor(Updater updater, const BoardFacts& facts) {
  if (updater == Updater::kSavage) {
    for (const char* patch :
         {"Savage,B2-Prod-Patch", "Savage,BA-Prod-Patch", "Savage,B0-Prod-Patch"})
      if (facts.Names(patch)) return patch;
    return "";
  }
  // Of Yonkers the first production one: the phone's fab revision is the one it is for.
  for (const std::string& component : facts.components) {
    const Value* entry = facts.entries.Find(component);
    if (component.starts_with("Yonkers,") && entry != nullptr && entry->Flag("EPRO", true))
      return component;
  }
  return "";
}

std::vector<Peripheral> PeripheralsFor(Updater updater, const PhoneSpec& spec,
                                       const BoardFacts& facts) {
  const Kind& kind = KindOf(updater);
  const bool there = std::ranges::any_of(facts.components, [&](const std::string& component) {
    return component.starts_with(kind.prefix);
  });
  const bool patched = updater == Updater::kSavage || updater == Updater::kYonkers;
  // Manifests go on naming Savage's patches for boards that have a Yonkers.
  const bool replaced = updater == Updater::kSavage && !PatchFor(Updater::kYonkers, facts).empty();
  if (!there || replaced || (patched && PatchFor(updater, facts).empty())) return {};
  if (updater == Updater::kRetimer) return Retimers(kind, spec, facts);
  Peripheral chip = Describe(kind, spec, facts);
  Complete(chip, spec, facts);
  return {std::move(chip)};
}

std::optional<Baseband> BasebandOf(const PhoneSpec& spec, const BoardFacts* facts) {
  const auto known = std::ranges::find(kBasebands, spec.product.type, &KnownBaseband::product);
  Baseband baseband;
  if (known != kBasebands.end()) {
    baseband.chip = known->chip;
    baseband.certificate = known->certificate;
  } else if (facts != nullptr && facts->Tag("BbChipID")) {
    baseband.chip = *facts->Tag("BbChipID");
    baseband.certificate = OwnNumber(spec, "baseband") & 0xFFFFFFFF;
  } else {
    return std::nullopt;
  }
  baseband.serial = Own(spec, "baseband", baseband.chip <= kLastIntelChip ? 12 : 4);
  return baseband;
}

Value PreflightInfo(const Baseband& baseband, const Bytes& nonce) {
  return Value::Dict{{"CertID", baseband.certificate},
                     {"ChipID", baseband.chip},
                     {"ChipSerialNo", baseband.serial},
                     {"FusingStatus", 2},
                     {"Nonce", nonce},
                     {"PkHash", Hash(HashKind::kSha256, AsBytes("rack baseband key"))}};
}

}  // namespace rack
