// What held phones lack: found once, asked for at the signer first, fetched once, told to the
// ports, within the hours allowed.

#include "station/daemon/cart/supplies.h"

#include <gmock/gmock.h>

#include "station/daemon/cart/window.h"
#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

PortView Held(int number, const std::string& product = "iPhone10,1") {
  PortView port;
  port.key = {"port" + std::to_string(number)};
  port.state = PortState::kHeld;
  port.error = ErrorCode::kFirmwareAbsent;
  port.phone = Facts(kPhone1);
  port.phone.product = product;
  return port;
}

PortView Helped(PortView port) {
  port.state = PortState::kArmed;
  port.error = ErrorCode::kNone;
  return port;
}

Offer Signed(const std::string& build, bool is_signed = true) {
  Offer offer;
  offer.version = "15.8";
  offer.build = build;
  offer.urls = {"https://a.example/" + build + ".ipsw"};
  offer.size = 5'600'000'000;
  offer.sha1 = std::string(40, 'a');
  offer.is_signed = is_signed;
  return offer;
}

class SuppliesTest : public testing::Test {
 protected:
  SuppliesTest() {
    ::setenv("TZ", "UTC", 1);
    settings.automatic = true;
    settings.ipsw_me_url = "https://b.example";
    settings.signing_url = "https://s.example";
  }
  // The test's clock stands at 22:13:20 UTC.
  void Begin() {
    supplies = std::make_unique<Supplies>(
        settings, SupplyParts{.clock = world.clock,
                              .errands = errands,
                              .imports = imports,
                              .wants_latest = [this](const PortView&) { return wants; },
                              .on_text =
                                  [this](const std::string& product) {
                                    texts.push_back(supplies->Text(product));
                                  }});
  }
  void See(const std::vector<PortView>& ports) {
    for (const PortView& port : ports) supplies->OnPort(port);
    world.Turn(1ms);
  }
  [[nodiscard]] std::vector<std::string> Started(const std::string& kind) const {
    std::vector<std::string> tasks;
    for (const std::string& task : world.workers.started)
      if (task.starts_with(kind)) tasks.push_back(task);
    return tasks;
  }
  void Answer(const std::vector<Offer>& offers, const Ended& ended = {}) {
    const std::string task = Started("find").back();
    errands.OnFound(task, offers);
    errands.OnFinished(task, ended);
    world.Settle();
  }
  [[nodiscard]] std::string Text() const { return supplies->Text("iPhone10,1"); }

  SupplySettings settings;
  World world;
  Imports imports{ImportParts{.clock = world.clock,
                              .workers = world.workers,
                              .firmware = *world.firmware,
                              .ledger = *world.ledger,
                              .network = {},
                              .on_change = [] {}}};
  Errands errands{world.clock, world.workers};
  std::optional<Action> wants = Action::kErase;
  std::vector<std::string> texts;
  std::unique_ptr<Supplies> supplies;
};

TEST_F(SuppliesTest, ThirtyPortsOfOneModel_AskAndFetchOnce) {
  Begin();
  std::vector<PortView> ports;
  for (int i = 0; i < 30; ++i) ports.push_back(Held(i));
  See(ports);
  ASSERT_EQ(Started("find").size(), 1U);
  const auto& find = std::get<FindTask>(world.workers.running.at(Started("find")[0]).orders);
  EXPECT_EQ(find.phone.product, "iPhone10,1");
  EXPECT_EQ(find.phone.ecid, kPhone1);
  EXPECT_EQ(find.want, "latest");
  EXPECT_EQ(find.signing_url, "https://s.example");
  EXPECT_THAT(Text(), StartsWith("Looking for"));
  Answer({Signed("19H371", false), Signed("19H370")});
  ASSERT_EQ(Started("import").size(), 1U);
  const auto& fetch = std::get<ImportTask>(world.workers.running.at(Started("import")[0]).orders);
  EXPECT_EQ(fetch.urls, Signed("19H370").urls) << "the one that is signed";
  EXPECT_EQ(fetch.size, 5'600'000'000U);
}

TEST_F(SuppliesTest, TwoModelsThatShareAFile_FetchItOnce) {
  Begin();
  See({Held(1), Held(2, "iPhone10,4")});
  ASSERT_EQ(Started("find").size(), 2U);
  for (const std::string& task : Started("find")) {
    errands.OnFound(task, {Signed("19H370")});
    errands.OnFinished(task, {});
  }
  world.Settle();
  EXPECT_EQ(Started("import").size(), 1U);
}

TEST_F(SuppliesTest, PortsSayHowFarItIs_AndGoOnByThemselves) {
  Begin();
  See({Held(1)});
  Answer({Signed("19H370")});
  const std::string task = Started("import")[0];
  world.Turn(10s);
  imports.OnProgress(task, {Step::kNone, 0.35, 1'960'000'000, 5'600'000'000});
  EXPECT_THAT(texts.back(),
              StartsWith("Fetching 15.8 (19H370): 35 %, 2.0 GB of 5.6 GB, 196 MB/s, 19 s left"));
  supplies->OnPort(Helped(Held(1)));
  imports.OnImported(task, {});
  EXPECT_EQ(Text(), "");
  world.Turn(1h);
  EXPECT_EQ(world.workers.started.size(), 2U);
}

TEST_F(SuppliesTest, NotAutomatic_OrNamedFirmware_NothingIsDone) {
  settings.automatic = false;
  Begin();
  See({Held(1)});
  EXPECT_TRUE(world.workers.started.empty());
  settings.automatic = true;
  wants.reset();
  Begin();
  See({Held(1)});
  EXPECT_TRUE(world.workers.started.empty());
}

TEST_F(SuppliesTest, FailedSearch_IsSaid_AndTriedAgainLaterAndLater) {
  Begin();
  See({Held(1)});
  Answer({}, {.error = ErrorCode::kSigningNotSigned});
  EXPECT_THAT(Text(), StartsWith("Not fetched, tried again at 22:13: "));
  EXPECT_THAT(Text(), HasSubstr(std::string(OperatorLine(ErrorCode::kSigningNotSigned))));
  world.Turn(29s);
  EXPECT_EQ(Started("find").size(), 1U);
  world.Turn(2s);
  EXPECT_EQ(Started("find").size(), 2U);
  Answer({}, {.error = ErrorCode::kFirmwareDownload});
  world.Turn(31s);
  EXPECT_EQ(Started("find").size(), 2U);
  world.Turn(30s);
  EXPECT_EQ(Started("find").size(), 3U);
}

TEST_F(SuppliesTest, FailedSearch_NobodyWaitsAnyMore_IsForgotten) {
  Begin();
  See({Held(1)});
  Answer({}, {.error = ErrorCode::kFirmwareDownload});
  See({Helped(Held(1))});
  EXPECT_EQ(Text(), "");
  world.Turn(1h);
  EXPECT_EQ(Started("find").size(), 1U);
}

TEST_F(SuppliesTest, WhatWasFetchedDoesNotServeThePhone_IsNotFetchedInACircle) {
  Begin();
  See({Held(1)});
  Answer({Signed("19H370")});
  imports.OnImported(Started("import")[0], {});
  EXPECT_THAT(Text(), HasSubstr(std::string(OperatorLine(ErrorCode::kFirmwareNoIdentity))));
  world.Turn(20s);
  EXPECT_EQ(world.workers.started.size(), 2U);
}

TEST_F(SuppliesTest, OutsideTheWindow_ItWaitsAndSaysUntilWhen) {
  settings.window = config::Window{23 * 60, 6 * 60};
  Begin();
  See({Held(1)});
  Answer({Signed("19H370")});
  EXPECT_EQ(Text(), "Waits until 23:00 to fetch 15.8 (19H370), 5.6 GB.");
  EXPECT_TRUE(Started("import").empty());
  world.Turn(46min);
  EXPECT_TRUE(Started("import").empty());
  world.Turn(1min);
  EXPECT_EQ(Started("import").size(), 1U);
}

TEST_F(SuppliesTest, WindowClosesMeanwhile_ItStopsAndGoesOnTheNextDay) {
  settings.window = config::Window{22 * 60, 23 * 60};
  Begin();
  See({Held(1)});
  Answer({Signed("19H370")});
  const std::string task = Started("import").at(0);
  world.Turn(47min);
  ASSERT_TRUE(world.workers.cancelled.contains(task));
  imports.OnFinished(task, {.error = ErrorCode::kCancelled});
  EXPECT_THAT(Text(), StartsWith("Waits until 22:00"));
  world.Turn(23h);
  EXPECT_EQ(Started("import").size(), 2U);
}

TEST_F(SuppliesTest, StoppedByAnOperator_IsNotBegunAgainRightAway) {
  Begin();
  See({Held(1)});
  Answer({Signed("19H370")});
  imports.OnFinished(Started("import").at(0), {.error = ErrorCode::kCancelled});
  EXPECT_THAT(Text(), StartsWith("Not fetched, tried again at "));
  const auto found = Started("find").size();
  world.Turn(29min);
  EXPECT_EQ(Started("find").size(), found);
  world.Turn(2min);
  EXPECT_EQ(Started("find").size(), found + 1);
}

TEST_F(SuppliesTest, FetcherCannotBeStarted_IsSaid) {
  world.workers.refuse_to_start = true;
  Begin();
  See({Held(1)});
  world.Turn(1ms);
  EXPECT_THAT(Text(), HasSubstr(std::string(OperatorLine(ErrorCode::kWorkerStart))));
}

TEST(WindowTest, OpensAndCloses) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const auto at = [](int hour, int minute) {
    return WallTime(std::chrono::hours(24 * 20'000 + hour) + std::chrono::minutes(minute));
  };
  struct Row {
    const char* name;
    config::Window window;
    WallTime now;
    std::optional<std::chrono::milliseconds> opens;
    std::chrono::milliseconds closes;
  };
  const std::vector<Row> rows = {
      {"night, evening before", {22 * 60, 6 * 60}, at(21, 30), 30min, 8h + 30min},
      {"night, at its beginning", {22 * 60, 6 * 60}, at(22, 0), std::nullopt, 8h},
      {"night, after midnight", {22 * 60, 6 * 60}, at(5, 59), std::nullopt, 1min},
      {"night, at its end", {22 * 60, 6 * 60}, at(6, 0), 16h, 24h},
      {"day, before", {9 * 60, 17 * 60}, at(0, 0), 9h, 17h},
      {"day, within", {9 * 60, 17 * 60}, at(12, 15), std::nullopt, 4h + 45min},
      {"day, after", {9 * 60, 17 * 60}, at(17, 0), 16h, 24h},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(UntilOpen(row.window, row.now), row.opens) << row.name;
    EXPECT_EQ(UntilClosed(row.window, row.now), row.closes) << row.name;
  }
  EXPECT_EQ(UntilOpen(std::nullopt, at(3, 0)), std::nullopt);
  EXPECT_EQ(UntilClosed(std::nullopt, at(3, 0)), std::nullopt);
}

}  // namespace
}  // namespace station::daemon
