#include "tests/rack/model/cart.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <set>

#include "station/base/fd.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Result;

// Thrown inside this file only; carries the line.
struct Bad {
  int line;
  std::string what;
};

[[noreturn]] void Reject(const YAML::Node& node, const std::string& what) {
  throw Bad{node.Mark().line + 1, what};
}

template <typename T>
T As(const YAML::Node& node, const char* wanted) {
  try {
    return node.as<T>();
  } catch (const YAML::Exception&) {
    Reject(node, fmt::format("{} expected", wanted));
  }
}

std::string AsString(const YAML::Node& node) { return As<std::string>(node, "text"); }
bool AsFlag(const YAML::Node& node) { return As<bool>(node, "true or false"); }

std::chrono::milliseconds AsSeconds(const YAML::Node& node) {
  const double seconds = As<double>(node, "a number of seconds");
  if (seconds < 0 || seconds > 600) Reject(node, "between 0 and 600 seconds expected");
  return std::chrono::milliseconds(static_cast<int>(seconds * 1000));
}

// The one list of what a cart may say; `station-rack keys` prints it.
template <typename T>
struct Key {
  const char* name;
  const char* meaning;
  std::function<void(T&, const YAML::Node&)> read;
};
template <typename T>
using Keys = std::vector<Key<T>>;

template <typename T>
void ReadMap(const YAML::Node& node, const Keys<T>& keys, T& out) {
  if (!node.IsMap()) Reject(node, "a map expected");
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const auto key = AsString(entry.first);
    const auto found = std::ranges::find(keys, key, &Key<T>::name);
    if (found == keys.end()) Reject(entry.first, fmt::format("unknown key '{}'", key));
    if (!seen.insert(key).second) Reject(entry.first, fmt::format("key '{}' given twice", key));
    found->read(out, entry.second);
  }
}

const Keys<Timing>& TimingKeys() {
  static const auto seconds = [](std::chrono::milliseconds Timing::*field) {
    return [field](Timing& timing, const YAML::Node& node) { timing.*field = AsSeconds(node); };
  };
  static const Keys<Timing> keys = {
      {"leave", "from the answer to EnterRecovery to the detach; 1", seconds(&Timing::leave)},
      {"gap", "from detach to attach; 1.5 (below 1 some clients misread it)",
       seconds(&Timing::gap)},
      {"restore_boot", "from bootx to restore mode; 3", seconds(&Timing::restore_boot)},
      {"finish", "from the last status to normal mode; 5", seconds(&Timing::finish)},
      {"flash", "how long boot firmware is being written; 0.3", seconds(&Timing::flash)},
  };
  return keys;
}

void ReadPort(PhoneSpec& phone, const YAML::Node& node) {
  const auto port = station::ParsePortPath(AsString(node));
  if (!port) Reject(node, "a port such as 1-4.2 expected");
  phone.port = *port;
}

// `board` decides where a type has two.
void ReadProduct(PhoneSpec& phone, const YAML::Node& node, const ProductTable& products) {
  const std::string type = node["product"] ? AsString(node["product"]) : "";
  const std::string board = node["board"] ? AsString(node["board"]) : "";
  if (type.empty()) Reject(node, "a phone needs a product");
  const Product* product = products.Find(type, board);
  if (product == nullptr)
    Reject(node["product"], fmt::format("product '{}{}' is not in the catalogue", type,
                                        board.empty() ? "" : " " + board));
  phone.product = *product;
}

void ReadEcid(PhoneSpec& phone, const YAML::Node& node) {
  const auto ecid = station::ParseEcid(AsString(node));
  if (!ecid || !ecid->Known()) Reject(node, "an ECID such as 0x1A2B3C4D5E6F expected");
  phone.ecid = *ecid;
}

void ReadMode(PhoneSpec& phone, const YAML::Node& node) {
  const auto mode = AsString(node);
  if (mode == "normal") return void(phone.mode = StartMode::kNormal);
  if (mode == "recovery") return void(phone.mode = StartMode::kRecovery);
  if (mode == "dfu") return void(phone.mode = StartMode::kDfu);
  Reject(node, "mode is normal, recovery or dfu");
}

void ReadHubPower(PhoneSpec& phone, const YAML::Node& node) {
  const auto power = AsString(node);
  if (power == "ports") return void(phone.hub_power = HubPower::kPortByPort);
  if (power == "together") return void(phone.hub_power = HubPower::kAllTogether);
  if (power == "none") return void(phone.hub_power = HubPower::kNone);
  Reject(node, "hub_power is ports, together or none");
}

void ReadTrust(PhoneSpec& phone, const YAML::Node& node) {
  const auto trust = AsString(node);
  if (trust == "ask") return void(phone.trust = Trust::kAsk);
  if (trust == "trusted") return void(phone.trust = Trust::kTrusted);
  if (trust == "denied") return void(phone.trust = Trust::kDenied);
  Reject(node, "trust is ask, trusted or denied");
}

void ReadBattery(PhoneSpec& phone, const YAML::Node& node) {
  phone.battery = As<int>(node, "a percentage");
  if (phone.battery < 0 || phone.battery > 100) Reject(node, "a percentage expected");
}

std::function<void(PhoneSpec&, const YAML::Node&)> Text(std::string PhoneSpec::*field) {
  return [field](PhoneSpec& phone, const YAML::Node& node) { phone.*field = AsString(node); };
}

std::function<void(PhoneSpec&, const YAML::Node&)> Flag(bool PhoneSpec::*field) {
  return [field](PhoneSpec& phone, const YAML::Node& node) { phone.*field = AsFlag(node); };
}

void ReadLater(PhoneSpec&, const YAML::Node&) {}  // by ReadProduct, which needs the catalogue

void ReadTiming(PhoneSpec& phone, const YAML::Node& node) {
  ReadMap(node, TimingKeys(), phone.timing);
}

void ReadFaults(PhoneSpec& phone, const YAML::Node& node) {
  phone.faults = As<std::vector<std::string>>(node, "a list of faults");
}

const Keys<PhoneSpec>& PhoneKeys() {
  static const Keys<PhoneSpec> keys = {
      {"port", "USB bus and port chain, such as \"1-4.2\"; required", ReadPort},
      {"product", "type of the catalogue, such as iPhone10,1; required", ReadLater},
      {"board", "which of a product's boards; the catalogue's first", ReadLater},
      {"ecid", "the chip's own number, not 0; required", ReadEcid},
      {"name", "how commands call the phone; phone1, phone2...", Text(&PhoneSpec::name)},
      {"udid", "as the product's generation forms it; follows from the ecid",
       Text(&PhoneSpec::udid)},
      {"serial", "serial number; follows from the ecid", Text(&PhoneSpec::serial)},
      {"os_build", "the installed iOS; 18H17", Text(&PhoneSpec::os_build)},
      {"os_version", "its version; follows from os_build", Text(&PhoneSpec::os_version)},
      {"mode", "normal, recovery or dfu; normal", ReadMode},
      {"plugged", "whether its cable is in; true", Flag(&PhoneSpec::plugged)},
      {"hub_power", "what its hub can switch: ports (each by itself), together, or none; ports",
       ReadHubPower},
      {"super_speed", "normal and restore mode appear on the next bus, same chain; false",
       Flag(&PhoneSpec::super_speed)},
      {"user_data", "whether somebody has set it up; true", Flag(&PhoneSpec::user_data)},
      {"trust",
       "how the user answers when the phone asks (trust, passcode): ask (`press` answers), trusted "
       "or denied at once; trusted",
       ReadTrust},
      {"passcode", "one is set: the phone is locked after each start; false",
       Flag(&PhoneSpec::passcode)},
      {"locked", "it is locked now, by a passcode; false", Flag(&PhoneSpec::locked)},
      {"activation_lock", "Find My is on, and no restore ends it; false",
       Flag(&PhoneSpec::activation_lock)},
      {"battery", "charge in per cent; 80", ReadBattery},
      {"charging", "the port gives power; true", Flag(&PhoneSpec::charging)},
      {"enter_recovery_needs_session", "as iOS 14.5 and later want it; false",
       Flag(&PhoneSpec::enter_recovery_needs_session)},
      {"ask_fud", "a restore of iOS 15 or older asks for FUDData, as later ones do; false",
       Flag(&PhoneSpec::ask_fud)},
      {"asr_checksums", "wants a SHA-1 behind every block of the OS image; true",
       Flag(&PhoneSpec::asr_checksums)},
      {"data_ports", "every request to a current host names a port of its own; false",
       Flag(&PhoneSpec::data_ports)},
      {"recording", "keeps what is said to the phone and by it in DIR/recordings; true",
       Flag(&PhoneSpec::recording)},
      {"fdr_needed", "has no factory data of its own: a host without FDR proxy fails; false",
       Flag(&PhoneSpec::fdr_needed)},
      {"updaters", "a restore asks for the firmware of the other chips, baseband included; true",
       Flag(&PhoneSpec::updaters)},
      {"preflight", "normal mode tells of the baseband; true", Flag(&PhoneSpec::preflight)},
      {"dfu_nonce_changes",
       "an iBSS shows another nonce than the boot ROM; false (1.0.0-class hosts on Linux "
       "cannot cope)",
       Flag(&PhoneSpec::dfu_nonce_changes)},
      {"fixed_nonces", "the same nonces at every draw: equal runs get equal tickets; false",
       Flag(&PhoneSpec::fixed_nonces)},
      {"timing", "a map of seconds, see below", ReadTiming},
      {"faults", "a list of faults as `fault PHONE` takes them", ReadFaults},
  };
  return keys;
}

template <typename T>
std::string Lines(const Keys<T>& keys) {
  std::string lines;
  for (const auto& key : keys) lines += fmt::format("  {:<30} {}\n", key.name, key.meaning);
  return lines;
}

std::string Base32Like(const Bytes& digest, std::size_t count) {
  constexpr std::string_view kAlphabet =
      "0123456789CDFGHJKLMNPQRTVWXYZ";  // letters of real serial numbers
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += kAlphabet[digest[i] % kAlphabet.size()];
  return text;
}

// What the cart leaves out follows from the ECID, so that it is the same at every start.
void FillDefaults(PhoneSpec& phone, std::size_t number) {
  const Bytes digest = Hash(HashKind::kSha1, AsBytes("rack phone " + ToString(phone.ecid)));
  if (phone.name.empty()) phone.name = fmt::format("phone{}", number);
  if (phone.udid.empty())
    phone.udid = phone.product.generation.chip_udid
                     ? fmt::format("{:08X}-{:016X}", phone.product.chip, phone.ecid.value)
                     : station::ToHex(digest);
  if (phone.serial.empty()) phone.serial = "F2L" + Base32Like(digest, 9);
  if (phone.os_build.empty()) phone.os_build = "18H17";
  if (phone.os_version.empty()) phone.os_version = VersionForBuild(phone.os_build);
}

PhoneSpec ReadPhone(const YAML::Node& node, std::size_t number, const ProductTable& products) {
  PhoneSpec phone;
  ReadMap(node, PhoneKeys(), phone);
  if (phone.port.chain.empty()) Reject(node, "a phone needs a port");
  ReadProduct(phone, node, products);
  if (!phone.ecid.Known()) Reject(node, "a phone needs an ecid");
  FillDefaults(phone, number);
  return phone;
}

struct Cart {
  const ProductTable& products;
  std::vector<PhoneSpec> phones;
};

void ReadPhones(Cart& cart, const YAML::Node& node) {
  if (!node.IsSequence()) Reject(node, "a list of phones expected");
  std::set<std::string> taken;
  for (const auto& entry : node) {
    PhoneSpec phone = ReadPhone(entry, cart.phones.size() + 1, cart.products);
    for (const std::string& unique :
         {"port " + ToString(phone.port), "ecid " + ToString(phone.ecid), "name " + phone.name,
          "udid " + phone.udid})
      if (!taken.insert(unique).second) Reject(entry, "two phones with " + unique);
    cart.phones.push_back(std::move(phone));
  }
}

}  // namespace

Result<std::vector<PhoneSpec>> ParseCart(const std::string& text, const std::string& shown_path,
                                         const ProductTable& products) {
  try {
    Cart cart{products, {}};
    ReadMap(YAML::Load(text), Keys<Cart>{{"phones", "the phones", ReadPhones}}, cart);
    if (cart.phones.empty()) return Fail(ErrorCode::kConfigInvalid, shown_path + ": no phones");
    return std::move(cart.phones);
  } catch (const Bad& bad) {
    return Fail(ErrorCode::kConfigInvalid,
                fmt::format("{}:{}: {}", shown_path, bad.line, bad.what));
  } catch (const YAML::Exception& error) {
    return Fail(ErrorCode::kConfigInvalid,
                fmt::format("{}:{}: {}", shown_path, error.mark.line + 1, error.msg));
  }
}

Result<std::vector<PhoneSpec>> LoadCart(const std::string& path, const ProductTable& products) {
  STATION_TRY(text, station::ReadFile(path));
  return ParseCart(text, path, products);
}

std::string CartKeys() {
  return "phones: a list; each phone has\n" + Lines(PhoneKeys()) + "timing:\n" +
         Lines(TimingKeys());
}

std::string VersionForBuild(const std::string& build) {
  const unsigned long major = std::strtoul(build.c_str(), nullptr, 10);
  const std::size_t letter = build.find_first_not_of("0123456789");
  const int minor = letter == std::string::npos ? 0 : build[letter] - 'A';
  if (major < 5 || minor < 0 || minor > 25) return "1.0";
  return fmt::format("{}.{}", major >= 23 ? major + 3 : major - 4, minor);
}

}  // namespace rack
