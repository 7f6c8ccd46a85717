// What befalls many phones at once: a hub without power, a daemon that dies. Seen by unmodified
// tools.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: a, port: "1-1", product: "iPhone10,1", ecid: "0xA1"}
  - {name: b, port: "1-2.1", product: "iPhone10,6", ecid: "0xA2"}
  - {name: c, port: "1-2.2", product: "iPhone10,4", ecid: "0xA3", mode: recovery}
  - {name: d, port: "1-2.3", product: "iPhone10,4", ecid: "0xA4"}
)";

std::ptrdiff_t Listed(const RackProcess& rack) {
  const std::string list = rack.Exec("", {"idevice_id", "-l"}).output;
  return std::ranges::count(list, '\n');
}

TEST(CableFaults, HubPowerTakesEverythingBehindIt) {
  const RackProcess rack(kCart);
  EXPECT_EQ(rack.Do("unplug", {"d"}).code, 0);
  const auto boots = rack.Status("c").Number("boots");
  EXPECT_EQ(rack.Do("fault", {"hub", "1-2", "off"}).code, 0);
  EXPECT_TRUE(rack.Status("a").Flag("plugged"));
  for (const char* name : {"b", "c", "d"}) EXPECT_FALSE(rack.Status(name).Flag("plugged")) << name;
  EXPECT_EQ(Listed(rack), 1);
  EXPECT_EQ(rack.Do("fault", {"hub", "1-2", "on"}).code, 0);
  for (const char* name : {"b", "c"}) EXPECT_TRUE(rack.Status(name).Flag("plugged")) << name;
  EXPECT_FALSE(rack.Status("d").Flag("plugged")) << "its cable was out before";
  EXPECT_EQ(rack.Status("c").Text("mode"), "recovery");
  EXPECT_EQ(rack.Status("c").Number("boots"), boots) << "a phone has a battery";
  EXPECT_EQ(Listed(rack), 2);
}

TEST(CableFaults, EverythingIsClearedAtOnce) {
  const RackProcess rack(kCart);
  for (const std::vector<std::string>& fault :
       std::vector<std::vector<std::string>>{{"hub", "1-2", "off"},
                                             {"mux", "crash", "1000"},
                                             {"signer", "refuse-94"},
                                             {"a", "refuse-enter-recovery"}})
    EXPECT_EQ(rack.Do("fault", fault).code, 0) << fault[0];
  EXPECT_NE(rack.Exec("", {"idevice_id", "-l"}).code, 0);
  EXPECT_EQ(rack.Do("fault", {"all", "none"}).code, 0);
  EXPECT_EQ(Listed(rack), 3);
  EXPECT_EQ(rack.Exec("a", {"ideviceenterrecovery", rack.Status("a").Text("udid")}).code, 0);
  const Value phone =
      rack.AwaitStatus("a", [](const Value& p) { return p.Text("mode") == "recovery"; });
  EXPECT_EQ(phone.Text("mode"), "recovery");
}

TEST(CableFaults, ToolsComeBackAfterTheDaemonDied) {
  const RackProcess rack(kCart);
  EXPECT_EQ(rack.Exec("a", {"idevicepair", "pair"}).code, 0);
  EXPECT_EQ(rack.Do("fault", {"mux", "crash", "1000"}).code, 0);
  EXPECT_NE(rack.Exec("a", {"ideviceinfo", "-k", "SerialNumber"}).code, 0);
  EXPECT_EQ(rack.Do("fault", {"mux", "none"}).code, 0);
  EXPECT_EQ(rack.Exec("a", {"ideviceinfo", "-k", "SerialNumber"}).code, 0);
}

TEST(CableFaults, HelpNamesEveryFault) {
  const Finished help = RunProgram({RACK_PROGRAM, "fault", "--help"});
  for (const char* fault : {"unplug-at-byte", "refuse-94", "crash", "stall SECONDS", "PORT off|on",
                            "late-reattach", "distrust", "battery N", "activation-lock", "locked"})
    EXPECT_NE(help.output.find(fault), std::string::npos) << fault;
}

TEST(CableFaults, UnknownOnesAreRefused) {
  const RackProcess rack(kCart);
  for (const std::vector<std::string>& fault :
       std::vector<std::vector<std::string>>{{"hub", "1-2"},
                                             {"hub", "9-9", "off"},
                                             {"hub", "x", "on"},
                                             {"mux", "sulk"},
                                             {"all", "some"},
                                             {"a", "battery", "101"},
                                             {"a", "locked", "maybe"},
                                             {"nobody", "none"}})
    EXPECT_NE(rack.Do("fault", fault).code, 0) << fault[0];
}

}  // namespace
}  // namespace rack
