// The same phone, nonces and firmware, once with idevicerestore 1.0.0, unmodified, and once with
// the station: what they ask to have signed, and what they send, is the same, or stands in
// idevicerestore_differences.tsv with the reason.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <thread>

#include "tests/integration/bench.h"
#include "tests/integration/differential/said.h"

namespace station::integration {
namespace {

// Each its own kind: SHA-1 and no updaters; SE and baseband; Savage, SE and baseband.
struct Compared {
  const char* name;
  const char* port;
  const char* ecid;
  std::uint64_t ecid_value;
  const char* manifest;
};
constexpr Compared kPhones[] = {{"six", "1-1.1", "0xd1ff01", 0xd1ff01, "iphone6s_ios12"},
                                {"eight", "1-1.2", "0xd1ff02", 0xd1ff02, "iphone8_ios15"},
                                {"ten", "1-1.3", "0xd1ff03", 0xd1ff03, "iphonex_ios15"}};
constexpr const char* kCart = R"(phones:
  - {name: six, port: "1-1.1", product: "iPhone8,1", ecid: "0xd1ff01", os_build: "15A372", fixed_nonces: true, timing: {finish: 1}}
  - {name: eight, port: "1-1.2", product: "iPhone10,1", ecid: "0xd1ff02", os_build: "18H17", fixed_nonces: true, timing: {finish: 1}}
  - {name: ten, port: "1-1.3", product: "iPhone10,3", ecid: "0xd1ff03", os_build: "18H17", fixed_nonces: true, timing: {finish: 1}}
)";

using Heard = std::map<std::string, Said>;       // by phone
using Firmware = std::map<std::string, Forged>;  // likewise

Recordings Of(const Bench& bench, const Compared& phone) {
  return {.phone = bench.Recording(phone.name),
          .signer = bench.Recording("signer"),
          .ecid = phone.ecid_value};
}

// What was said to the phones while `restore` ran.
Heard Listen(const Bench& bench, const std::function<void()>& restore) {
  std::map<std::string, Mark> before;
  for (const Compared& phone : kPhones) before[phone.name] = MarkOf(Of(bench, phone));
  restore();
  Heard heard;
  for (const Compared& phone : kPhones)
    heard[phone.name] = ReadSaid(Of(bench, phone), before[phone.name]);
  return heard;
}

void RunIdevicerestore(Bench& bench, const Firmware& firmware) {
  std::vector<std::jthread> side_by_side;
  for (const Compared& phone : kPhones)
    side_by_side.emplace_back([&bench, &phone, file = firmware.at(phone.name).file] {
      const auto cache = file.parent_path() / phone.name;
      const Finished done = bench.InWorld(
          phone.name, {"idevicerestore", "-e", "-y", "-s", "-i", phone.ecid, "-C", cache, file});
      EXPECT_EQ(done.exit_code, 0) << phone.name << done.out << done.err;
    });
  side_by_side.clear();
  for (const Compared& phone : kPhones)
    EXPECT_TRUE(bench.Await(
        "restored", [&] { return bench.Phone(phone.name)["mode"].as<std::string>() == "normal"; }));
}

void RunStation(Bench& bench, const Firmware& firmware) {
  bench.StartStation();
  for (const Compared& phone : kPhones) {
    const Forged& file = firmware.at(phone.name);
    const Finished added = bench.CtlRaw({"firmware", "add", file.file, "--sha256", file.sha256});
    EXPECT_EQ(added.exit_code, 0) << added.err;
    EXPECT_TRUE(bench.AwaitState(phone.port, "IDLE"));
  }
  const Finished armed = bench.CtlRaw({"arm", "--all-present", "--countdown", "0s", "--yes"});
  EXPECT_EQ(armed.exit_code, 0) << armed.out << armed.err;
  for (const Compared& phone : kPhones) EXPECT_TRUE(bench.AwaitState(phone.port, "DONE"));
}

TEST(Differential, StationSendsWhatIdevicerestoreSends) {
  Bench bench({.cart = kCart, .os_size = 8 << 20});
  bench.StartRack();
  Firmware firmware;
  for (const Compared& phone : kPhones) firmware[phone.name] = bench.Forge(phone.manifest);
  const Heard theirs = Listen(bench, [&] { RunIdevicerestore(bench, firmware); });
  const Heard ours = Listen(bench, [&] { RunStation(bench, firmware); });
  const auto known = ReadKnown(std::string(STATION_SOURCE_DIR) +
                               "/tests/integration/idevicerestore_differences.tsv");
  ASSERT_FALSE(known.empty());
  std::set<int> occurred;
  for (const Compared& phone : kPhones) {
    ASSERT_TRUE(theirs.at(phone.name).values.contains({"ap_request", "ApNonce"})) << phone.name;
    ASSERT_TRUE(theirs.at(phone.name).values.contains({"answer RootTicket", "RootTicketData"}))
        << phone.name;
    for (const Difference& difference : Compare(theirs.at(phone.name), ours.at(phone.name))) {
      bool listed = false;
      for (const KnownDifference& row : known)
        if (Covers(row, difference)) {
          listed = true;
          occurred.insert(row.line);
        }
      EXPECT_TRUE(listed) << phone.name << "\t" << difference.message << "\t" << difference.key
                          << "\t" << difference.how << "\t" << difference.detail.substr(0, 600);
    }
  }
  for (const KnownDifference& row : known) {
    EXPECT_TRUE(occurred.contains(row.line))
        << "line " << row.line << " no longer occurs: " << row.message << " " << row.keys;
    EXPECT_FALSE(row.reference.empty()) << "line " << row.line << " cites no reference";
  }
}

}  // namespace
}  // namespace station::integration
