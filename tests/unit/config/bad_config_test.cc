// Every fault in a configuration names file, line, what is wrong and what is allowed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "config/config.h"

namespace station::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct BadCase {
  const char* name;
  std::string yaml;
  int line;
  int column;  // 0: not of interest
  const char* wrong;
  const char* allowed;
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

std::string Deep(int levels) {
  return "never_wipe: " + std::string(levels, '[') + std::string(levels, ']') + "\n";
}

const BadCase kCases[] = {
    {"UnknownSection", "station: {}\njob:\n  concurrency: 3\n", 2, 1,
     "unknown key \"job\" in the file (did you mean \"jobs\"?)",
     "station, signing, firmware, metrics, jobs, budgets, restore, arming, never_wipe, api"},
    {"UnknownKey", "jobs:\n  concurency: 3\n", 2, 3,
     "unknown key \"concurency\" in jobs (did you mean \"concurrency\"?)",
     "concurrency, restored_port_rest, adapt, button_tries, button_wait, capture, usbmuxd_restart, deadlines"},
    {"DeadlineOfNoStep", "jobs:\n  deadlines: {streem: 3m}\n", 2, 15,
     "unknown key \"streem\" in jobs.deadlines (did you mean \"stream\"?)", "enter_recovery"},
    {"DeadlineTooShort", "jobs:\n  deadlines: {stream: 0s}\n", 2, 23, "\"stream\" is \"0s\"",
     "from 1s to 24h"},
    {"UnknownKeyUnlikeAny", "jobs:\n  colour: red\n", 2, 3, "unknown key \"colour\" in jobs;",
     "concurrency, restored_port_rest, adapt, button_tries, button_wait, capture, usbmuxd_restart, deadlines"},
    {"KeyOfAnotherSection", "api:\n  countdown: 3s\n", 2, 3, "unknown key \"countdown\" in api",
     "viewer_group, operator_group, admin_group"},
    {"ListAsFile", "- a\n- b\n", 1, 1, "the file is a list", "a section"},
    {"TextAsFile", "hello\n", 1, 1, "the file is a single value", "a section"},
    {"TextAsSection", "jobs: 8\n", 1, 7, "jobs is a single value", "a section"},
    {"ListAsSection", "jobs:\n  - concurrency: 8\n", 2, 3, "jobs is a list", "a section"},
    {"WordAsNumber", "jobs:\n  concurrency: many\n", 2, 16, "\"concurrency\" is many",
     "a whole number from 1 to 128"},
    {"QuotedNumber", "jobs:\n  concurrency: \"8\"\n", 2, 16, "\"concurrency\" is 8 in quotes",
     "a whole number from 1 to 128"},
    {"NegativeNumber", "jobs:\n  concurrency: -1\n", 2, 16, "\"concurrency\" is -1",
     "from 1 to 128"},
    {"NumberTooSmall", "jobs:\n  concurrency: 0\n", 2, 16, "\"concurrency\" is 0", "from 1 to 128"},
    {"NumberTooLarge", "metrics:\n  port: 65536\n", 2, 9, "\"port\" is 65536", "from 0 to 65535"},
    {"NumberBeyondAll", "metrics:\n  port: 99999999999999999999999\n", 2, 9, "\"port\" is 9999",
     "from 0 to 65535"},
    {"FractionAsNumber", "jobs:\n  concurrency: 8.5\n", 2, 16, "\"concurrency\" is 8.5",
     "a whole number"},
    {"ListAsNumber", "jobs:\n  concurrency: [8]\n", 2, 16, "\"concurrency\" is a list",
     "a whole number"},
    {"YesAsBool", "metrics:\n  enabled: yes\n", 2, 12, "\"enabled\" is \"yes\"", "true or false"},
    {"QuotedBool", "metrics:\n  enabled: \"true\"\n", 2, 12, "\"enabled\" is \"true\"",
     "true or false"},
    {"DurationWithoutUnit", "arming:\n  countdown: 10\n", 2, 14, "\"countdown\" is \"10\"",
     "a time from 0s to 10m, as 10s, 15m or 2h"},
    {"DurationWithWrongUnit", "arming:\n  expiry: 3d\n", 2, 11, "\"expiry\" is \"3d\"",
     "a time from 1s to 24h"},
    {"DurationTooLong", "arming:\n  countdown: 11m\n", 2, 14, "\"countdown\" is \"11m\"",
     "from 0s to 10m"},
    {"DurationOfZero", "arming:\n  expiry: 0s\n", 2, 11, "\"expiry\" is \"0s\"", "from 1s to 24h"},
    {"DurationNegative", "jobs:\n  restored_port_rest: -5s\n", 2, 23,
     "\"restored_port_rest\" is \"-5s\"", "from 0s to 1h"},
    {"DurationBeyondAll", "arming:\n  expiry: 99999999999999999999h\n", 2, 11, "\"expiry\" is",
     "from 1s to 24h"},
    {"NoValue", "station:\n  name:\n", 2, 3, "\"name\" has no value", "1 to 64 letters"},
    {"NullValue", "station:\n  run_dir: ~\n", 2, 0, "\"run_dir\" has no value",
     "a path that begins with /"},
    {"NameWithSpace", "station:\n  name: bench 3\n", 2, 9, "\"name\" is \"bench 3\"",
     "letters, digits, dots, dashes, underscores"},
    {"RelativePath", "station:\n  state_dir: var/lib\n", 2, 14, "\"state_dir\" is \"var/lib\"",
     "a path that begins with /"},
    {"EmptyPath", "station:\n  run_dir: \"\"\n", 2, 12, "\"run_dir\" is \"\"",
     "a path that begins with /"},
    {"RelativeOptionalPath", "signing:\n  ca_file: ca.pem\n", 2, 12, "\"ca_file\" is \"ca.pem\"",
     "a path that begins with /, or \"\""},
    {"UrlAsHost", "restore:\n  further_hosts: [\"https://a.example\"]\n", 2, 0, "https://a.example",
     "the name of a host in small letters, or its IPv4 address"},
    {"UrlWithoutScheme", "signing:\n  url: gs.apple.com\n", 2, 8, "\"url\" is \"gs.apple.com\"",
     "https://HOST"},
    {"PlainHttpAbroad", "signing:\n  url: http://gs.apple.com/TSS\n", 2, 8,
     "\"url\" is \"http://gs.apple.com/TSS\"", "http:// to this machine itself"},
    {"PlainHttpDisguised", "signing:\n  url: http://127.0.0.1@evil.example/\n", 2, 8, "\"url\" is",
     "http:// to this machine itself"},
    {"PlainHttpLookalike", "signing:\n  url: http://127.evil.example/\n", 2, 8, "\"url\" is",
     "http:// to this machine itself"},
    {"FetchUnknown", "firmware:\n  fetch: on\n", 2, 10, "\"fetch\" is \"on\"", "off or auto"},
    {"CatalogueInTheClear", "firmware:\n  ipsw_me_url: http://api.ipsw.me\n", 2, 16,
     "\"ipsw_me_url\" is", "http:// to this machine itself"},
    {"WindowWithoutEnd", "firmware:\n  download_window: \"22:00\"\n", 2, 20,
     "\"download_window\" is \"22:00\"", "hours of the day such as \"22:00-06:00\""},
    {"WindowBeyondTheDay", "firmware:\n  download_window: \"22:00-24:00\"\n", 2, 20,
     "\"download_window\" is", "hours of the day"},
    {"WindowOfNoTime", "firmware:\n  download_window: \"06:00-06:00\"\n", 2, 20,
     "\"download_window\" is", "hours of the day"},
    {"ProxyWithBlank", "firmware:\n  proxy: \"http://a b\"\n", 2, 10, "\"proxy\" is",
     "a proxy such as"},
    {"BudgetNegative", "firmware:\n  store_budget: -1\n", 2, 17, "\"store_budget\" is -1",
     "a whole number from 0"},
    {"ScrubWithoutUnit", "firmware:\n  scrub_interval: 30\n", 2, 19, "\"scrub_interval\" is \"30\"",
     "a time from 0s to 8760h"},
    {"HostNameAsAddress", "metrics:\n  address: localhost\n", 2, 12, "\"address\" is \"localhost\"",
     "an IP address such as 127.0.0.1"},
    {"EcidWithoutPrefix", "never_wipe:\n  ecids:\n    - 1234567890123456\n", 3, 7,
     "\"ecids\" holds \"1234567890123456\"", "0x and hexadecimal digits, or dec:"},
    {"EcidNoNumber", "never_wipe:\n  ecids: [0xZZ]\n", 2, 11, "\"ecids\" holds \"0xZZ\"",
     "an ECID"},
    {"EcidTooLong", "never_wipe:\n  ecids: [0x11112222333344445]\n", 2, 11, "\"ecids\" holds",
     "an ECID"},
    {"EcidOfZero", "never_wipe:\n  ecids: [0x0]\n", 2, 11, "\"ecids\" holds \"0x0\"", "an ECID"},
    {"OneEcidWithoutList", "never_wipe:\n  ecids: 0x11\n", 2, 10, "\"ecids\" is a single value",
     "a list of: an ECID"},
    {"ListInList", "never_wipe:\n  serial_numbers: [[F2LX]]\n", 2, 20,
     "\"serial_numbers\" is a list", "a serial number"},
    {"SmallSerialNumber", "never_wipe:\n  serial_numbers: [f2lxxx]\n", 2, 20,
     "\"serial_numbers\" holds \"f2lxxx\"", "capital letters and digits"},
    {"UdidTooShort", "never_wipe:\n  udids: [abc]\n", 2, 11, "\"udids\" holds \"abc\"",
     "40 hexadecimal digits"},
    {"GroupWithSpace", "api:\n  admin_group: two words\n", 2, 16,
     "\"admin_group\" is \"two words\"", "the name of a group"},
    {"DoubledKey", "jobs:\n  concurrency: 3\n  concurrency: 4\n", 3, 3,
     "\"concurrency\" is there twice, first in line 2", "every key once"},
    {"DoubledSection", "jobs:\n  concurrency: 3\napi: {}\njobs: {}\n", 4, 1,
     "\"jobs\" is there twice, first in line 1", "every key once"},
    {"SecondDocument", "jobs: {}\n---\napi: {}\n", 2, 0, "a second document begins here",
     "one document in a file"},
    {"Tab", "jobs:\n\tconcurrency: 3\n", 2, 1, "a tab in the indentation", "spaces"},
    {"UnclosedBracket", "jobs: {concurrency: 3\n", 2, 0, "the file ends in the middle of a value",
     "every quote and bracket closed"},
    {"SyntaxError", "jobs: {concurrency: 3\napi: ]\n", 2, 0, "", "YAML, indented with spaces"},
    {"UnclosedQuote", "station:\n  name: \"bench\n", 3, 0, "the file ends in the middle of a value",
     "every quote and bracket closed"},
    {"WrongIndent", "jobs:\n  concurrency: 3\n   restored_port_rest: 3s\n", 3, 0, "",
     "YAML, indented with spaces"},
    {"Anchor", "jobs: &j\n  concurrency: 3\n", 1, 0,
     "anchors (&) and aliases (*) are not used here", "every value written out"},
    {"AliasBomb",
     "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\n",
     1, 0, "anchors (&) and aliases (*)", "every value written out"},
    {"Tag", "jobs:\n  concurrency: !!int 3\n", 2, 0, "is not used here", "plain values"},
    {"TooDeep", Deep(40), 1, 0, "nested too deeply", "at most 16 levels"},
    {"FarTooDeep", Deep(100000), 1, 0, "nested too deeply", "at most 16 levels"},
    {"MapAsKey", "? {a: b}\n: c\n", 1, 0, "a key is a section", "a name as key"},
    {"ZeroByte", std::string("jobs: {}\n\0api: {}\n", 18), 1, 1, "zero byte", "text in UTF-8"},
    {"TooLong", std::string(2U << 20U, '#'), 1, 1, "bytes long", "at most 1048576 bytes"},
    {"FirstOfTwoFaults", "jobs:\n  colour: red\n  concurrency: many\n", 2, 3,
     "unknown key \"colour\"", "concurrency"},
};

class BadConfigTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfigTest, IsRefusedWithPlaceFaultAndRemedy) {
  const BadCase& bad = GetParam();
  const auto config = Parse(bad.yaml, "bench.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::kConfigInvalid);
  const std::string& text = config.error().context;
  std::string place = "bench.yaml:" + std::to_string(bad.line) + ":";
  if (bad.column != 0) place += std::to_string(bad.column) + ": ";
  EXPECT_THAT(text, StartsWith(place));
  EXPECT_THAT(text, HasSubstr(bad.wrong));
  const std::size_t allowed = text.find("; allowed: ");
  ASSERT_NE(allowed, std::string::npos) << text;
  EXPECT_THAT(text.substr(allowed), HasSubstr(bad.allowed));
}

INSTANTIATE_TEST_SUITE_P(Cases, BadConfigTest, testing::ValuesIn(kCases),
                         [](const auto& bad) { return std::string(bad.param.name); });

TEST(BadConfigFileTest, MissingFileAndFolderAreNamed) {
  for (const char* path : {"/no/such/file.yaml", "/tmp"}) {
    const auto config = Load(path);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, ErrorCode::kConfigInvalid);
    EXPECT_THAT(config.error().context, StartsWith(std::string(path) + ":1:1: cannot be read"));
    EXPECT_THAT(config.error().context, HasSubstr("allowed: a readable file"));
  }
}

}  // namespace
}  // namespace station::config
