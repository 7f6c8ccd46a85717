#include "tests/rack/model/cart.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
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

template <typename T>
using Keys = std::map<std::string, std::function<void(T&, const YAML::Node&)>>;

template <typename T>
void ReadMap(const YAML::Node& node, const Keys<T>& keys, T& out) {
  if (!node.IsMap()) Reject(node, "a map expected");
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const auto key = AsString(entry.first);
    const auto found = keys.find(key);
    if (found == keys.end()) Reject(entry.first, fmt::format("unknown key '{}'", key));
    if (!seen.insert(key).second) Reject(entry.first, fmt::format("key '{}' given twice", key));
    found->second(out, entry.second);
  }
}

const Keys<Timing>& TimingKeys() {
  static const Keys<Timing> keys = {
      {"leave", [](Timing& t, const YAML::Node& n) { t.leave = AsSeconds(n); }},
      {"gap", [](Timing& t, const YAML::Node& n) { t.gap = AsSeconds(n); }},
      {"restore_boot", [](Timing& t, const YAML::Node& n) { t.restore_boot = AsSeconds(n); }},
      {"finish", [](Timing& t, const YAML::Node& n) { t.finish = AsSeconds(n); }},
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

void ReadBattery(PhoneSpec& phone, const YAML::Node& node) {
  phone.battery = As<int>(node, "a percentage");
  if (phone.battery < 0 || phone.battery > 100) Reject(node, "a percentage expected");
}

const Keys<PhoneSpec>& PhoneKeys() {
  static const Keys<PhoneSpec> keys = {
      {"name", [](PhoneSpec& p, const YAML::Node& n) { p.name = AsString(n); }},
      {"port", ReadPort},
      {"product", [](PhoneSpec&, const YAML::Node&) {}},  // both: ReadProduct
      {"board", [](PhoneSpec&, const YAML::Node&) {}},
      {"ecid", ReadEcid},
      {"udid", [](PhoneSpec& p, const YAML::Node& n) { p.udid = AsString(n); }},
      {"serial", [](PhoneSpec& p, const YAML::Node& n) { p.serial = AsString(n); }},
      {"os_build", [](PhoneSpec& p, const YAML::Node& n) { p.os_build = AsString(n); }},
      {"os_version", [](PhoneSpec& p, const YAML::Node& n) { p.os_version = AsString(n); }},
      {"mode", ReadMode},
      {"super_speed", [](PhoneSpec& p, const YAML::Node& n) { p.super_speed = AsFlag(n); }},
      {"plugged", [](PhoneSpec& p, const YAML::Node& n) { p.plugged = AsFlag(n); }},
      {"user_data", [](PhoneSpec& p, const YAML::Node& n) { p.user_data = AsFlag(n); }},
      {"battery", ReadBattery},
      {"enter_recovery_needs_session",
       [](PhoneSpec& p, const YAML::Node& n) { p.enter_recovery_needs_session = AsFlag(n); }},
      {"ask_fud", [](PhoneSpec& p, const YAML::Node& n) { p.ask_fud = AsFlag(n); }},
      {"timing", [](PhoneSpec& p, const YAML::Node& n) { ReadMap(n, TimingKeys(), p.timing); }},
      {"faults",
       [](PhoneSpec& p, const YAML::Node& n) {
         p.faults = As<std::vector<std::string>>(n, "a list of faults");
       }},
  };
  return keys;
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
    ReadMap(YAML::Load(text), Keys<Cart>{{"phones", ReadPhones}}, cart);
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

std::string VersionForBuild(const std::string& build) {
  const unsigned long major = std::strtoul(build.c_str(), nullptr, 10);
  const std::size_t letter = build.find_first_not_of("0123456789");
  const int minor = letter == std::string::npos ? 0 : build[letter] - 'A';
  if (major < 5 || minor < 0 || minor > 25) return "1.0";
  return fmt::format("{}.{}", major >= 23 ? major + 3 : major - 4, minor);
}

}  // namespace rack
