#include "station/daemon/cart/imports.h"

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

struct Told {
  TakingIn view;
  std::optional<Result<store::Entry>> result;
  Imports::Asker Asker() {
    return {.progress = [this](const TakingIn& told) { view = told; },
            .done = [this](Result<store::Entry> entry) { result = std::move(entry); }};
  }
};

Wanted File(const std::string& path, const std::string& sha256 = "") {
  return {.path = path, .urls = {}, .sha256 = sha256, .sha1 = {}};
}
Wanted Url(const std::string& name, const std::string& sha256 = "", const std::string& sha1 = "") {
  return {.path = {}, .urls = {"https://a.example/" + name}, .sha256 = sha256, .sha1 = sha1};
}
const std::string kSha256(64, '1');
const std::string kSha1(40, '2');

class ImportsTest : public testing::Test {
 protected:
  World world;
  int changes = 0;
  std::unique_ptr<Imports> imports = Make();

  std::unique_ptr<Imports> Make() {
    return std::make_unique<Imports>(ImportParts{.clock = world.clock,
                                                 .workers = world.workers,
                                                 .firmware = *world.firmware,
                                                 .ledger = *world.ledger,
                                                 .network = {.bytes_per_second = 77},
                                                 .on_change = [this] { ++changes; }});
  }
  void Add(const Wanted& wanted, Told& told) {
    imports->Add(wanted, told.Asker());
    world.Settle();
  }
  [[nodiscard]] const ImportTask& Orders() {
    return std::get<ImportTask>(world.workers.running.at(world.LastTask()).orders);
  }
  // Both the daemon and what it knew are gone; `alive` are the fetchers that are not.
  void Restart(const std::set<std::string>& alive = {}) {
    imports.reset();
    world.Crash();
    world.Begin(alive);
    imports = Make();
    imports->Recall(ReadMemory(*world.reader)->downloads, alive);
    world.Settle();
  }
  void Stored(const std::string& source = "") {
    world.ImportFirmware("iPhone10,1", '1', source);
    EXPECT_TRUE(world.firmware->Refresh());
  }
};

TEST_F(ImportsTest, OneFetcherForOnePath_HoweverManyAsk) {
  Told first, second;
  Add(File("/a.ipsw"), first);
  Add(File("/a.ipsw"), second);
  ASSERT_EQ(world.workers.started.size(), 1U);
  const std::string task = world.LastTask();
  imports->OnProgress(task, {Step::kNone, 0.5, 50, 100});
  EXPECT_EQ(first.view.bytes_done, 50U);
  EXPECT_EQ(second.view.bytes_total, 100U);
  store::Entry entry;
  entry.version = "15.8";
  imports->OnImported(task, entry);
  EXPECT_EQ(first.result->value().version, "15.8");
  EXPECT_TRUE(second.result->has_value());
  EXPECT_EQ(changes, 1);
  imports->OnGone(task);
  EXPECT_EQ(changes, 1);
}

TEST_F(ImportsTest, Refusals) {
  for (const Wanted& wanted :
       {File("a.ipsw"), File("/a.ipsw", "12"), Url("a.ipsw", "12"), Url("a.ipsw", "", "12"),
        Url("a b.ipsw"), Wanted{}, Wanted{.path = "/a", .urls = {"https://a/"}},
        Wanted{.path = {}, .urls = {"ftp://a/b"}}}) {
    Told told;
    Add(wanted, told);
    EXPECT_EQ(told.result->error().code, ErrorCode::kBadRequest);
  }
  EXPECT_TRUE(world.workers.started.empty());
}

TEST_F(ImportsTest, FetchersErrorReachesTheAsker) {
  Told told;
  Add(File("/a.ipsw"), told);
  imports->OnFinished(world.LastTask(),
                      {.error = ErrorCode::kFirmwareHashMismatch, .context = "flipped"});
  EXPECT_EQ(told.result->error().code, ErrorCode::kFirmwareHashMismatch);
}

TEST_F(ImportsTest, FilesFetcherDies_IsSaid_AndCanBeTriedAgain) {
  Told told, again;
  Add(File("/a.ipsw"), told);
  const std::string task = world.LastTask();
  imports->OnGone(task);
  EXPECT_EQ(told.result->error().code, ErrorCode::kWorkerDied);
  Add(File("/a.ipsw"), again);
  EXPECT_NE(world.LastTask(), task);
}

TEST_F(ImportsTest, SameContentIsFetchedOnce_WhereverItLies) {
  Told first, second, third;
  Add(Url("a.ipsw", kSha256, kSha1), first);
  Add(Url("mirror/b.ipsw", kSha256), second);
  Add(Url("c.ipsw", "", kSha1), third);
  ASSERT_EQ(world.workers.started.size(), 1U);
  EXPECT_EQ(Orders().expected_sha1, kSha1);
  EXPECT_EQ(Orders().network.bytes_per_second, 77U);
  store::Entry entry;
  entry.sha256 = *ParseSha256(kSha256);
  imports->OnImported(world.LastTask(), entry);
  for (const Told* told : {&first, &second, &third}) EXPECT_TRUE(told->result->has_value());
}

TEST_F(ImportsTest, SameAddressUnderAnotherHash_IsRefused) {
  Told first, second;
  Add(Url("a.ipsw", kSha256), first);
  Add(Url("a.ipsw", std::string(64, '3')), second);
  EXPECT_EQ(second.result->error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(first.result);
}

TEST_F(ImportsTest, DownloadsGoOneAfterTheOther_FilesBeside) {
  Told first, second, file;
  Add(Url("a.ipsw"), first);
  Add(Url("b.ipsw"), second);
  ASSERT_EQ(world.workers.started.size(), 1U);
  EXPECT_TRUE(imports->Look(Url("b.ipsw"))->waits);
  EXPECT_FALSE(imports->Look(Url("a.ipsw"))->waits);
  EXPECT_FALSE(imports->Look(Url("c.ipsw")).has_value());
  Add(File("/f.ipsw"), file);
  ASSERT_EQ(world.workers.started.size(), 2U);
  imports->OnFinished(world.workers.started[0], {.error = ErrorCode::kFirmwareDownload});
  ASSERT_EQ(world.workers.started.size(), 3U);
  EXPECT_EQ(Orders().urls, Url("b.ipsw").urls);
}

TEST_F(ImportsTest, AnOperatorStopsOne_ByItsNameOrBecauseThereIsNoOther) {
  const auto stop = [&](const std::string& what) {
    return world.Ask<std::string>(
        [&](Act<std::string> act) { imports->Stop(what, std::move(act)); });
  };
  EXPECT_EQ(stop("").error().code, ErrorCode::kNotFound);
  Told first, second;
  Add(Url("a.ipsw", kSha256), first);
  EXPECT_EQ(stop("https://a.example/b.ipsw").error().code, ErrorCode::kNotFound);
  Add(Url("b.ipsw"), second);
  EXPECT_EQ(stop("").error().code, ErrorCode::kBadRequest);
  const std::string task = world.LastTask();
  EXPECT_EQ(stop("1111").value(), "https://a.example/a.ipsw");
  EXPECT_TRUE(world.workers.cancelled.contains(task));
  imports->OnFinished(task, {.error = ErrorCode::kCancelled});
  EXPECT_EQ(first.result->error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(second.result);
  EXPECT_NE(world.LastTask(), task) << "the next one is fetched";
  EXPECT_EQ(stop("").value(), "https://a.example/b.ipsw");
}

TEST_F(ImportsTest, SpeedAndTimeLeftAreTold) {
  Told told;
  Add(Url("a.ipsw"), told);
  world.Turn(std::chrono::seconds(2));
  imports->OnProgress(world.LastTask(), {Step::kNone, 0.25, 2'000'000, 8'000'000});
  EXPECT_DOUBLE_EQ(told.view.bytes_per_second, 1e6);
  EXPECT_EQ(told.view.eta, std::chrono::seconds(6));
}

TEST_F(ImportsTest, DownloadsFetcherDies_AnotherGoesOn_ButNotForEver) {
  Told told;
  Add(Url("a.ipsw"), told);
  for (std::size_t deaths = 1; deaths <= 5; ++deaths) {
    imports->OnGone(world.LastTask());
    EXPECT_FALSE(told.result);
    world.Turn(std::chrono::seconds(2));
    EXPECT_EQ(world.workers.started.size(), deaths + 1);
  }
  imports->OnGone(world.LastTask());
  EXPECT_EQ(told.result->error().code, ErrorCode::kWorkerDied);
  world.Settle();
  EXPECT_TRUE(ReadMemory(*world.reader)->downloads.empty());
}

TEST_F(ImportsTest, DiedAfterItsWorkWasDone_IsDone) {
  Told told;
  Add(Url("a.ipsw", kSha256), told);
  Stored();
  imports->OnGone(world.LastTask());
  EXPECT_TRUE(told.result->has_value());
}

TEST_F(ImportsTest, BothKilled_TheDownloadGoesOnAfterTheRestart) {
  Told told;
  Add(Url("a.ipsw", kSha256, kSha1), told);
  const std::string task = world.LastTask();
  Restart();
  ASSERT_EQ(world.workers.started, std::vector<std::string>{task});
  EXPECT_EQ(Orders().urls, Url("a.ipsw").urls);
  EXPECT_EQ(Orders().expected_sha256, kSha256);
  Told again;
  Add(Url("a.ipsw", kSha256), again);
  EXPECT_EQ(world.workers.started.size(), 1U) << "joined";
  imports->OnFinished(task, {.error = ErrorCode::kFirmwareDownload});
  EXPECT_EQ(again.result->error().code, ErrorCode::kFirmwareDownload);
  Restart();
  EXPECT_TRUE(world.workers.started.empty()) << "it ended";
}

TEST_F(ImportsTest, FetcherOutlivesTheDaemon_IsAdopted) {
  Told told, again;
  Add(Url("a.ipsw"), told);
  const std::string task = world.LastTask();
  Restart({task});
  EXPECT_TRUE(world.workers.started.empty());
  Add(Url("a.ipsw"), again);
  EXPECT_TRUE(world.workers.started.empty());
  imports->OnProgress(task, {Step::kNone, 0.5, 50, 100});
  EXPECT_EQ(again.view.bytes_done, 50U);
  imports->OnImported(task, {});
  EXPECT_TRUE(again.result->has_value());
}

TEST_F(ImportsTest, FetcherEndedWhileTheDaemonWasAway_NothingIsFetchedAgain) {
  Told told;
  Add(Url("a.ipsw"), told);
  imports.reset();
  world.Crash();
  world.Begin({});
  Stored(Url("a.ipsw").urls.front());
  imports = Make();
  imports->Recall(ReadMemory(*world.reader)->downloads, {});
  EXPECT_TRUE(world.workers.started.empty());
}

TEST_F(ImportsTest, Cancel_ReachesTheFetcherOrTheQueue) {
  Told running, waiting;
  Add(Url("a.ipsw"), running);
  Add(Url("b.ipsw"), waiting);
  imports->Cancel(Url("b.ipsw"));
  EXPECT_EQ(waiting.result->error().code, ErrorCode::kCancelled);
  imports->Cancel(Url("a.ipsw"));
  EXPECT_TRUE(world.workers.cancelled.contains(world.LastTask()));
}

TEST(WantedTest, WhatIsWrittenDownIsReadBack_NothingElseIs) {
  const WallTime asked{std::chrono::milliseconds(1234567)};
  Wanted wanted = Url("a.ipsw", kSha256, kSha1);
  wanted.urls.push_back("http://b.example/%20?x=y");
  wanted.size = 9'000'000'000;
  const auto read = ParseWanted(Format(wanted, asked));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->first == wanted);
  EXPECT_EQ(read->second, asked);
  for (const char* bad :
       {"", "url", "url ftp://x\n", "sha256 11\n", "url https://a/b", "url https://a/b\nsha1 12\n"})
    EXPECT_FALSE(ParseWanted(bad)) << bad;
}

}  // namespace
}  // namespace station::daemon
