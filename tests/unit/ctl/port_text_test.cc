#include "station/ctl/port_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ctl/fake_station.h"

namespace station::ctl {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::vector<v1::Port> Cart() {
  std::vector<v1::Port> ports = {
      Working(MakePort("A1", v1::PORT_STATE_WORKING), v1::STEP_STREAM, 0.42, 1'200'000'000,
              5'600'000'000),
      Working(MakePort("A2", v1::PORT_STATE_WORKING, "iPhone 12 Pro Max"), v1::STEP_BOOT_RESTORE_OS,
              0.12),
      MakePort("A3", v1::PORT_STATE_DONE, "iPhone X"),
      Failed(MakePort("A4", v1::PORT_STATE_FAILED, "iPhone X"), ErrorCode::kPhoneGone),
      MakePort("A5", v1::PORT_STATE_HELD),
      MakePort("A10", v1::PORT_STATE_EMPTY)};
  ports[4].set_what_to_do(std::string(OperatorLine(ErrorCode::kFirmwareAbsent)));
  return ports;
}

void ExpectFits(const std::string& text, int width) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    EXPECT_LE(Width(text.substr(start, end - start)), width) << text;
    start = end + 1;
  }
}

TEST(PortTextTest, PortsAt80Columns) {
  const std::string text = RenderPorts(Cart(), Screen{.width = 80});
  EXPECT_EQ(text, R"(PORT  PRODUCT            MODE     STATE    STEP               %
A1    iPhone 8           restore  working  stream           42%
A2    iPhone 12 Pro Max  restore  working  boot restore os  12%
A3    iPhone X           normal   done
A4    iPhone X           normal   failed
    The phone left the bus: check the cable, plug it back into the same port.
A5    iPhone 8           normal   held
    No firmware for this model is in the store: import one, the phone goes on by
    itself.
A10                               empty
)");
  ExpectFits(text, 80);
}

TEST(PortTextTest, PortsAt120Columns) {
  const std::string text = RenderPorts(Cart(), Screen{.width = 120});
  EXPECT_EQ(text, R"(PORT  PRODUCT            MODE     STATE    STEP               %  WHAT TO DO
A1    iPhone 8           restore  working  stream           42%
A2    iPhone 12 Pro Max  restore  working  boot restore os  12%
A3    iPhone X           normal   done
A4    iPhone X           normal   failed                         The phone left the bus: check the cable, plug it back
                                                                 into the same port.
A5    iPhone 8           normal   held                           No firmware for this model is in the store: import one,
                                                                 the phone goes on by itself.
A10                               empty
)");
  ExpectFits(text, 120);
}

TEST(PortTextTest, WatchAt80Columns) {
  const std::string text = RenderWatch(Cart(), "", Screen{.width = 80, .height = 40});
  EXPECT_EQ(text,
            R"(PORT  PRODUCT        STEP             PROGRESS     %       BYTES     SPEED  LEFT
A1    iPhone 8       stream           [##....]   42%  1.2/5.6 GB  180 MB/s  3:20
A2    iPhone 12 ...  boot restore os  [......]   12%                        3:20
A3    iPhone X       done             [######]  100%
A4    iPhone X       failed
    The phone left the bus: check the cable, plug it back into the same port.
A5    iPhone 8       held
    No firmware for this model is in the store: import one, the phone goes on by
    itself.
A10                  empty
1 empty, 1 held, 2 working, 1 done, 1 failed
)");
  ExpectFits(text, 80);
}

TEST(PortTextTest, WatchAt120Columns) {
  const std::string text = RenderWatch(Cart(), "", Screen{.width = 120, .height = 40});
  EXPECT_EQ(
      text,
      R"(PORT  PRODUCT            STEP             PROGRESS                   %       BYTES     SPEED  LEFT  STATE
A1    iPhone 8           stream           [########............]   42%  1.2/5.6 GB  180 MB/s  3:20  working
A2    iPhone 12 Pro Max  boot restore os  [##..................]   12%                        3:20  working
A3    iPhone X                            [####################]  100%                              done
A4    iPhone X                                                                                      failed
    The phone left the bus: check the cable, plug it back into the same port.
A5    iPhone 8                                                                                      held
    No firmware for this model is in the store: import one, the phone goes on by itself.
A10                                                                                                 empty
1 empty, 1 held, 2 working, 1 done, 1 failed
)");
  ExpectFits(text, 120);
}

TEST(PortTextTest, WatchStaysWithinTheScreen) {
  std::vector<v1::Port> ports;
  for (int i = 1; i <= 30; ++i)
    ports.push_back(
        Failed(MakePort("A" + std::to_string(i), v1::PORT_STATE_FAILED), ErrorCode::kPhoneGone));
  const std::string text = RenderWatch(ports, "", Screen{.width = 80, .height = 24});
  EXPECT_LE(std::ranges::count(text, '\n'), 23);
  EXPECT_THAT(text, HasSubstr("more lines: make the window taller"));
  EXPECT_THAT(text, EndsWith("30 failed\n"));
}

TEST(PortTextTest, WatchSaysWhenTheStationIsAwayAndWhatIsSimulated) {
  std::vector<v1::Port> ports = {MakePort("A1", v1::PORT_STATE_DONE)};
  ports[0].set_simulated(true);
  EXPECT_THAT(RenderWatch(ports, "", Screen{}), EndsWith("1 done  (SIMULATED)\n"));
  EXPECT_THAT(RenderWatch(ports, "The station is away.", Screen{}),
              EndsWith("The station is away.\n"));
}

TEST(PortTextTest, LabelsSortAsAPersonCounts) {
  std::vector<v1::Port> ports;
  for (const char* label : {"A10", "B1", "A2", "A1", "A02"})
    ports.push_back(MakePort(label, v1::PORT_STATE_EMPTY));
  std::ranges::stable_sort(ports, InOrder);
  std::string order;
  for (const v1::Port& port : ports) order += port.label() + " ";
  EXPECT_EQ(order, "A1 A2 A02 A10 B1 ");
}

TEST(PortTextTest, ANameThatSteersTheTerminalIsShownHarmless) {
  v1::Port port = MakePort("A1", v1::PORT_STATE_HELD, "evil\x1b[31m\nA2 done");
  port.set_what_to_do("\x1b]0;x\x07");
  const std::string text =
      RenderPorts({port}, Screen{}) + RenderWatch({port}, "", Screen{}) + RenderChange(port);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\nA2 done"), std::string::npos);
}

TEST(PortTextTest, AStateThisVersionDoesNotKnowIsShownAsSuch) {
  v1::Port port = MakePort("A1", v1::PORT_STATE_IDLE);
  port.set_state(static_cast<v1::PortState>(77));
  EXPECT_THAT(RenderPorts({port}, Screen{}), HasSubstr("unknown"));
  EXPECT_TRUE(AtRest(port));
}

TEST(PortTextTest, OnlyChangesWorthALineAre) {
  const v1::Port before = Working(MakePort("A1", v1::PORT_STATE_IDLE), v1::STEP_STREAM, 0.41);
  EXPECT_FALSE(WorthALine(before, Working(before, v1::STEP_STREAM, 0.44)));
  EXPECT_TRUE(WorthALine(before, Working(before, v1::STEP_STREAM, 0.46)));
  EXPECT_TRUE(WorthALine(before, Working(before, v1::STEP_FLASH, 0.41)));
  EXPECT_TRUE(WorthALine(before, Failed(before, ErrorCode::kPhoneGone)));
}

TEST(PortTextTest, SaysWhichButtonsToPress) {
  v1::Port port = Failed(MakePort("A1", v1::PORT_STATE_QUEUED), ErrorCode::kEnterRecoveryRefused);
  port.mutable_hands()->set_attempt(2);
  port.mutable_hands()->set_of(3);
  port.mutable_hands()->mutable_until()->set_seconds(0);
  port.mutable_hands()->add_steps("Press Volume Up and let go.");
  port.mutable_hands()->add_steps("Hold the Side button.");
  const std::string text = RenderPorts({port}, Screen{.width = 200});
  EXPECT_THAT(text, HasSubstr("put it there by its buttons. Try 2 of 3, until "));
  EXPECT_THAT(text, HasSubstr(": 1. Press Volume Up and let go. 2. Hold the Side button."));
}

}  // namespace
}  // namespace station::ctl
