#include "config/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "config/yaml/map_reader.h"

namespace station::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using yaml::Faults;
using yaml::MapReader;
using yaml::Node;
using yaml::TextRule;

constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

bool Consists(std::string_view text, std::initializer_list<std::string_view> sets) {
  return std::ranges::all_of(text, [&](char c) {
    return std::ranges::any_of(
        sets, [c](std::string_view set) { return set.find(c) != std::string_view::npos; });
  });
}

bool IsStationName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && Consists(text, {kCapitals, kSmall, kDigits, "._-"});
}

// Plain HTTP carries tickets only to this machine itself, where a rack's signer listens.
bool IsSigningUrl(std::string_view text) {
  if (text.size() > 2048 ||
      !std::ranges::all_of(text, [](unsigned char c) { return std::isgraph(c); }))
    return false;
  if (text.starts_with("https://")) return text.size() > 8 && text[8] != '/';
  constexpr std::string_view kPlain = "http://";
  if (!text.starts_with(kPlain)) return false;
  text.remove_prefix(kPlain.size());
  const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return false;
  if (authority.starts_with("[")) return authority.starts_with("[::1]");
  const std::string host(authority.substr(0, authority.find(':')));
  in_addr address{};
  return host == "localhost" ||
         (inet_pton(AF_INET, host.c_str(), &address) == 1 && host.starts_with("127."));
}

// "22:00-06:00" as minutes after midnight.
std::optional<Window> WindowIn(std::string_view text) {
  const auto digits = [&](std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; };
  if (text.size() != 11 || text[2] != ':' || text[5] != '-' || text[8] != ':') return std::nullopt;
  for (const std::size_t at : {0U, 1U, 3U, 4U, 6U, 7U, 9U, 10U})
    if (kDigits.find(text[at]) == std::string_view::npos) return std::nullopt;
  if (digits(0) > 23 || digits(3) > 59 || digits(6) > 23 || digits(9) > 59) return std::nullopt;
  const Window window{digits(0) * 60 + digits(3), digits(6) * 60 + digits(9)};
  if (window.begin == window.end) return std::nullopt;
  return window;
}

bool IsCatalogueUrl(std::string_view text) { return text.empty() || IsSigningUrl(text); }

// What the HTTP library takes: [scheme://]host[:port], without blanks.
bool IsProxy(std::string_view text) {
  return text.size() <= 2048 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isgraph(c); });
}

bool IsCommand(std::string_view text) {
  return text.size() <= 1000 &&
         std::ranges::none_of(text, [](unsigned char c) { return std::iscntrl(c) != 0; });
}

bool IsFetch(std::string_view text) { return text == "off" || text == "auto"; }
bool IsWindow(std::string_view text) { return text.empty() || WindowIn(text).has_value(); }

// A host by name or IPv4 address, as it stands in a URL.
bool IsHost(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
         std::ranges::all_of(text, fits);
}

bool IsAddress(std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  const std::string address(text);
  return inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
         inet_pton(AF_INET6, address.c_str(), binary.data()) == 1;
}

bool IsGroupOrEmpty(std::string_view text) {
  if (text.empty()) return true;
  return text.size() <= 32 && Consists(text, {kSmall, kDigits, "_-"}) &&
         Consists(text.substr(0, 1), {kSmall, "_"});
}

// Without its prefix a decimal ECID would be read as hexadecimal: another phone, and this one
// unprotected.
bool IsEcid(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("dec:")) return false;
  const auto ecid = ParseEcid(text);
  return ecid && ecid->Known();
}

bool IsSerialNumber(std::string_view text) {
  return text.size() >= 4 && text.size() <= 32 && Consists(text, {kCapitals, kDigits});
}

bool IsUdid(std::string_view text) {
  if (text.size() == 25 && text[8] == '-')
    return Consists(text.substr(0, 8), {kDigits, "abcdefABCDEF"}) &&
           Consists(text.substr(9), {kDigits, "abcdefABCDEF"});
  return text.size() == 40 && Consists(text, {kDigits, "abcdefABCDEF"});
}

// As the phone itself writes it: the long form in small letters, the short form in capitals.
std::string NormalUdid(std::string udid) {
  const bool small = udid.size() == 40;
  std::ranges::transform(udid, udid.begin(), [small](unsigned char c) {
    return static_cast<char>(small ? std::tolower(c) : std::toupper(c));
  });
  return udid;
}

const TextRule kStationName = {IsStationName, "1 to 64 letters, digits, dots, dashes, underscores"};
const TextRule kSigningUrl = {IsSigningUrl,
                              "https://HOST..., or http:// to this machine itself (127.0.0.1)"};
const TextRule kCatalogueUrl = {
    IsCatalogueUrl, "https://HOST..., http:// to this machine itself (127.0.0.1), or \"\""};
const TextRule kFetch = {IsFetch, "off or auto"};
const TextRule kProxy = {IsProxy, "a proxy such as http://proxy.example:3128, or \"\""};
const TextRule kWindow = {IsWindow, "hours of the day such as \"22:00-06:00\", or \"\""};
constexpr std::uint64_t kMostBytes = 1ULL << 50U;
const TextRule kAddress = {IsAddress, "an IP address such as 127.0.0.1 or ::1"};
const TextRule kHost = {IsHost, "the name of a host in small letters, or its IPv4 address"};
const TextRule kCommand = {IsCommand, "a command of one line, or \"\""};
const TextRule kGroup = {IsGroupOrEmpty, "the name of a group, or \"\""};
const TextRule kEcid = {IsEcid, "an ECID: 0x and hexadecimal digits, or dec: and a decimal number"};
const TextRule kSerialNumber = {IsSerialNumber,
                                "a serial number: 4 to 32 capital letters and digits"};
const TextRule kUdid = {IsUdid, "a UDID: 40 hexadecimal digits, or 8, a dash and 16"};

void ReadStation(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "station", faults);
  keys.Text("name", config.name, kStationName);
  keys.AbsolutePath("state_dir", config.state_dir, false);
  keys.AbsolutePath("run_dir", config.run_dir, false);
  keys.AbsolutePath("catalogue_file", config.catalogue_file, false);
  keys.AbsolutePath("program_dir", config.program_dir, true);
  keys.RejectRest();
}

void ReadSigning(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "signing", faults);
  keys.Text("url", config.signing_url, kSigningUrl);
  keys.AbsolutePath("ca_file", config.signing_ca_file, true);
  keys.RejectRest();
}

void ReadFirmware(const Node* node, Faults& faults, Firmware& firmware) {
  MapReader keys(node, "firmware", faults);
  std::string fetch = "off";
  std::string window;
  keys.Text("fetch", fetch, kFetch);
  keys.Text("vendor_list_url", firmware.vendor_list_url, kCatalogueUrl);
  keys.Text("ipsw_me_url", firmware.ipsw_me_url, kCatalogueUrl);
  keys.Text("proxy", firmware.proxy, kProxy);
  keys.AbsolutePath("ca_file", firmware.ca_file, true);
  keys.Text("download_window", window, kWindow);
  keys.Number("bytes_per_second", firmware.bytes_per_second, 0, kMostBytes);
  keys.Number("store_budget", firmware.store_budget, 0, kMostBytes);
  keys.Duration("scrub_interval", firmware.scrub_interval, seconds(0), hours(24 * 365));
  keys.Number("scrub_bytes_per_second", firmware.scrub_bytes_per_second, 1U << 10U, kMostBytes);
  keys.RejectRest();
  firmware.fetch_automatically = fetch == "auto";
  firmware.download_window = WindowIn(window);
  while (firmware.ipsw_me_url.ends_with('/')) firmware.ipsw_me_url.pop_back();
}

void ReadMetrics(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "metrics", faults);
  std::uint64_t port = config.metrics_port;
  keys.Bool("enabled", config.metrics_enabled);
  keys.Text("address", config.metrics_address, kAddress);
  keys.Number("port", port, 0, 65535);
  keys.RejectRest();
  config.metrics_port = static_cast<std::uint16_t>(port);
}

// A step's name and how long it may take.
void ReadDeadlines(const Node* node, Faults& faults, StepDeadlines& deadlines) {
  MapReader keys(node, "jobs.deadlines", faults);
  for (const StepSpec& spec : AllStepSpecs()) {
    if (spec.step == Step::kNone || spec.step == Step::kIdentify) continue;
    seconds deadline = spec.deadline;
    keys.Duration(Name(spec.step), deadline, seconds(1), hours(24));
    if (deadline != spec.deadline) deadlines[spec.step] = deadline;
  }
  keys.RejectRest();
}

void ReadJobs(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "jobs", faults);
  std::uint64_t concurrency = config.concurrency;
  keys.Number("concurrency", concurrency, 1, 128);
  keys.Duration("restored_port_rest", config.restored_port_rest, seconds(0), hours(1));
  keys.Bool("adapt", config.adapt);
  std::uint64_t button_tries = config.button_tries;
  keys.Number("button_tries", button_tries, 1, 10);
  keys.Duration("button_wait", config.button_wait, seconds(1), hours(1));
  keys.Bool("capture", config.capture);
  keys.Text("usbmuxd_restart", config.mux_restart_command, kCommand);
  ReadDeadlines(keys.Take("deadlines"), faults, config.deadlines);
  config.button_tries = static_cast<std::uint32_t>(button_tries);
  keys.RejectRest();
  config.concurrency = static_cast<std::uint32_t>(concurrency);
}

void ReadBudgets(const Node* node, Faults& faults, Budgets& budgets) {
  constexpr std::uint64_t kMostPhones = 10'000;
  MapReader keys(node, "budgets", faults);
  keys.Number("controller_bytes_per_second", budgets.controller_bytes_per_second, 0, kMostBytes);
  keys.Number("phone_bytes_per_second", budgets.phone_bytes_per_second, 0, kMostBytes);
  keys.Number("controller_endpoints", budgets.controller_endpoints, 0, kMostPhones);
  keys.Number("phone_endpoints", budgets.phone_endpoints, 0, 32);
  keys.Number("hub_phones", budgets.hub_phones, 0, 255);
  keys.Number("hub_depth", budgets.hub_depth, 0, 7);
  keys.Number("mux_connections", budgets.mux_connections, 0, kMostPhones);
  keys.Number("signing_requests", budgets.signing_requests, 0, kMostPhones);
  keys.RejectRest();
}

void ReadRestore(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "restore", faults);
  keys.Texts("further_hosts", config.further_hosts, kHost);
  keys.RejectRest();
}

void ReadArming(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "arming", faults);
  keys.Duration("countdown", config.countdown, seconds(0), minutes(10));
  keys.Duration("expiry", config.arming_expiry, seconds(1), hours(24));
  keys.RejectRest();
}

void ReadNeverWipe(const Node* node, Faults& faults, NeverWipe& never_wipe) {
  MapReader keys(node, "never_wipe", faults);
  std::vector<std::string> ecids;
  keys.Texts("ecids", ecids, kEcid);
  keys.Texts("serial_numbers", never_wipe.serial_numbers, kSerialNumber);
  keys.Texts("udids", never_wipe.udids, kUdid);
  keys.RejectRest();
  for (const std::string& ecid : ecids) never_wipe.ecids.push_back(*ParseEcid(ecid));
  std::ranges::transform(never_wipe.udids, never_wipe.udids.begin(), NormalUdid);
}

void ReadApi(const Node* node, Faults& faults, Config& config) {
  MapReader keys(node, "api", faults);
  keys.Text("viewer_group", config.viewer_group, kGroup);
  keys.Text("operator_group", config.operator_group, kGroup);
  keys.Text("admin_group", config.admin_group, kGroup);
  keys.RejectRest();
}

Result<Config> Read(const yaml::Document& document) {
  Config config;
  Faults faults(document.file);
  MapReader sections(&document.root, "the file", faults);
  ReadStation(sections.Take("station"), faults, config);
  ReadSigning(sections.Take("signing"), faults, config);
  ReadFirmware(sections.Take("firmware"), faults, config.firmware);
  ReadMetrics(sections.Take("metrics"), faults, config);
  ReadJobs(sections.Take("jobs"), faults, config);
  ReadBudgets(sections.Take("budgets"), faults, config.budgets);
  ReadRestore(sections.Take("restore"), faults, config);
  ReadArming(sections.Take("arming"), faults, config);
  ReadNeverWipe(sections.Take("never_wipe"), faults, config.never_wipe);
  ReadApi(sections.Take("api"), faults, config);
  sections.RejectRest();
  STATION_CHECK(faults.Verdict());
  return config;
}

}  // namespace

Result<Config> Load(const std::filesystem::path& file) {
  STATION_TRY(document, yaml::Read(file));
  return Read(document);
}

Result<Config> Parse(const std::string& yaml, const std::string& file_name) {
  STATION_TRY(document, yaml::Parse(yaml, file_name));
  return Read(document);
}

}  // namespace station::config
