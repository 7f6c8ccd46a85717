// What stays in the store and what goes: budget, pins, leases, rot, idle reading.

#include "station/daemon/cart/keeper.h"

#include <gmock/gmock.h>

#include "station/daemon/cart/sweeper.h"

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

Sha256Digest Id(char digit) { return *ParseSha256(std::string(64, digit)); }

Shelved Of(char digit, std::uint64_t bytes, std::int64_t used, bool held = false) {
  return {Id(digit), bytes, used, held};
}

TEST(ChooseToEvictTest, LongestUnusedFirst_UntilTheRestFits) {
  const std::vector<Shelved> all = {Of('1', 10, 300), Of('2', 10, 100), Of('3', 10, 200)};
  EXPECT_THAT(ChooseToEvict(all, 30), IsEmpty());
  EXPECT_THAT(ChooseToEvict(all, 29), ElementsAre(Id('2')));
  EXPECT_THAT(ChooseToEvict(all, 15), ElementsAre(Id('2'), Id('3')));
  EXPECT_THAT(ChooseToEvict(all, 0), ElementsAre(Id('2'), Id('3'), Id('1')));
}

TEST(ChooseToEvictTest, WhatIsHeldNeverGoes) {
  EXPECT_THAT(ChooseToEvict({Of('1', 10, 100, true), Of('2', 10, 200)}, 10), ElementsAre(Id('2')));
  EXPECT_THAT(ChooseToEvict({Of('1', 10, 100, true), Of('2', 10, 200, true)}, 5), IsEmpty());
}

TEST(FirmwareNoteTest, IsReadBack) {
  const FirmwareNote note{true, 1'700'000'000, 5};
  EXPECT_TRUE(ParseNote(Format(note)) == note);
  EXPECT_TRUE(ParseNote("") == FirmwareNote());
  EXPECT_TRUE(ParseNote("pinned many") == FirmwareNote());
}

// Each stored firmware of this world holds 14 bytes and its small entry file.
class KeeperTest : public testing::Test {
 protected:
  void Begin(KeeperSettings settings = {}) {
    keeper = std::make_unique<Keeper>(
        settings,
        KeeperParts{
            .clock = world.clock,
            .firmware = *world.firmware,
            .ledger = *world.ledger,
            .errands = errands,
            .in_use = [this] { return in_use; },
            .on_change =
                [this] {
                  ++changes;
                  EXPECT_TRUE(world.firmware->Refresh());
                },
            .on_rot = [this] { ++rots; },
            .sweep = [this](store::Incoming grave) { graves.push_back(std::move(grave)); }});
    keeper->Recall(ReadMemory(*world.reader)->firmware_notes);
  }
  void Store(const std::string& digits) {
    for (const char digit : digits) {
      world.ImportFirmware("iPhone10,1", digit);
      world.clock.Advance(2s);  // each is later than the one before
    }
  }
  [[nodiscard]] std::string There() const {
    std::string digits;
    for (const store::Entry& entry : world.firmware->Entries())
      digits += ToHex(entry.sha256).front();
    std::ranges::sort(digits);
    return digits;
  }
  [[nodiscard]] std::uint64_t EachBytes() { return world.firmware->Shelf().DiskBytes(Id('1')); }
  Result<store::Entry> Pin(const std::string& sha256, bool pinned) {
    return world.Ask<store::Entry>(
        [&](Act<store::Entry> act) { keeper->Pin(sha256, pinned, std::move(act)); });
  }
  Result<store::Entry> Remove(const std::string& sha256) {
    return world.Ask<store::Entry>(
        [&](Act<store::Entry> act) { keeper->Remove(sha256, std::move(act)); });
  }
  Result<std::vector<Cleared>> Clear(bool dry_run) {
    return world.Ask<std::vector<Cleared>>(
        [&](Act<std::vector<Cleared>> act) { keeper->Clear(dry_run, std::move(act)); });
  }
  [[nodiscard]] const CheckTask& Orders() {
    return std::get<CheckTask>(world.workers.running.at(world.LastTask()).orders);
  }
  void Used(char digit, ErrorCode error = ErrorCode::kNone) {
    ledger::JobRow job;
    job.firmware_sha256 = std::string(64, digit);
    job.error = error;
    job.context = "bytes 0 to 7 are not those imported";
    keeper->OnAttemptEnded(job);
    keeper->OnJobEnded(job);
    world.Turn(1ms);
  }

  World world;
  Errands errands{world.clock, world.workers};
  std::set<std::string> in_use;
  int changes = 0;
  int rots = 0;
  std::vector<store::Incoming> graves;
  std::unique_ptr<Keeper> keeper;
};

TEST_F(KeeperTest, OverBudget_WhatWasNotUsedForLongestGoes) {
  Store("123");
  Begin({.budget = 2 * EachBytes() + 8});
  Used('1');
  keeper->OnStored();
  EXPECT_EQ(There(), "13");
  EXPECT_EQ(changes, 1);
  keeper->OnStored();
  EXPECT_EQ(There(), "13");
}

TEST_F(KeeperTest, PinnedLeasedOrNeededByAJob_Stays) {
  Store("1234");
  Begin({.budget = 1});
  ASSERT_TRUE(Pin("1111", true));
  auto lease = world.firmware->Hold(Id('2'));
  ASSERT_TRUE(lease);
  in_use = {std::string(64, '3')};
  keeper->OnStored();
  EXPECT_EQ(There(), "123");
  EXPECT_EQ(Remove("1111").error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(Remove("2222").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Remove("3333").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Remove("4444").error().code, ErrorCode::kNotFound);
  *lease = {};
  in_use.clear();
  ASSERT_TRUE(Pin("1111", false));
  EXPECT_TRUE(Remove("1111"));
  EXPECT_EQ(There(), "23");
}

TEST_F(KeeperTest, WhatIsRemoved_IsOutOfTheStoreAtOnce_AndOffTheDiskWhenItIsSwept) {
  Store("12");
  Begin();
  ASSERT_TRUE(Remove("1111"));
  EXPECT_EQ(There(), "2");
  ASSERT_EQ(graves.size(), 1U);
  const std::filesystem::path grave = graves[0].Folder();
  EXPECT_TRUE(std::filesystem::exists(grave / "entry/firmware.ipsw"));
  ASSERT_TRUE(store::Shelf::Open(world.folder / "store", store::StaleIncoming::kRemove));
  EXPECT_TRUE(std::filesystem::exists(grave)) << "somebody is at it";
  Store("1");
  EXPECT_EQ(There(), "12") << "again, before the old one is gone";
  graves.clear();
  EXPECT_FALSE(std::filesystem::exists(grave));
  EXPECT_EQ(There(), "12");
}

TEST_F(KeeperTest, Sweeper_EndsWithWhatItHasBegun_TheNextStartTakesTheRest) {
  Store("123");
  Begin();
  for (const char* which : {"1", "2", "3"}) ASSERT_TRUE(Remove(which));
  {
    Sweeper sweeper;
    for (store::Incoming& grave : graves) sweeper.Take(std::move(grave));
  }
  graves.clear();
  ASSERT_TRUE(store::Shelf::Open(world.folder / "store", store::StaleIncoming::kRemove));
  EXPECT_TRUE(std::filesystem::is_empty(world.folder / "store/incoming"));
}

TEST_F(KeeperTest, PinsAndLastUseOutliveTheDaemon) {
  Store("12");
  Begin();
  ASSERT_TRUE(Pin("1111", true));
  Used('2');
  const FirmwareNote before = keeper->NoteOf(Id('2'));
  EXPECT_GT(before.used, 0);
  Begin();
  EXPECT_TRUE(keeper->NoteOf(Id('1')).pinned);
  EXPECT_TRUE(keeper->NoteOf(Id('2')) == before);
}

TEST_F(KeeperTest, Clear_SaysWhatWouldGo_ThenItGoes) {
  Store("123");
  Begin({.budget = 2 * EachBytes() + 8});
  ASSERT_TRUE(world.firmware->Shelf().Quarantine(Id('3'), "rotted"));
  EXPECT_TRUE(world.firmware->Refresh());
  Store("4");
  {
    auto download = world.firmware->Shelf().OpenDownload("fresh");
    ASSERT_TRUE(download);
    download->Keep(true);
  }
  {
    auto download = world.firmware->Shelf().OpenDownload("old");
    ASSERT_TRUE(download);
    download->Keep(true);
    std::ofstream(download->Folder() / "chunks") << "bytes";
  }
  // The clock of this world stands long before the files' own.
  std::filesystem::last_write_time(
      world.folder / "store/downloads/old/chunks",
      std::chrono::file_clock::from_sys(world.clock.Wall() - std::chrono::days(8)));
  std::ofstream(world.folder / "store/downloads/fresh/chunks") << "bytes";
  const auto would = Clear(true);
  ASSERT_TRUE(would);
  ASSERT_EQ(would->size(), 3U);
  EXPECT_EQ(would->at(0).what, "firmware");
  EXPECT_EQ(would->at(0).name, std::string(64, '1'));
  EXPECT_EQ(would->at(1).what, "download");
  EXPECT_EQ(would->at(1).name, "old");
  EXPECT_EQ(would->at(2).what, "quarantined");
  EXPECT_EQ(There(), "124");
  ASSERT_TRUE(Clear(false));
  EXPECT_EQ(There(), "24");
  EXPECT_TRUE(Clear(true)->empty());
  EXPECT_TRUE(std::filesystem::exists(world.folder / "store/downloads/fresh"));
}

TEST_F(KeeperTest, WorkerFindsRot_TheEntryGoesToQuarantine) {
  Store("1");
  Begin();
  Used('1', ErrorCode::kFirmwareRotted);
  EXPECT_EQ(There(), "");
  EXPECT_EQ(rots, 1);
  EXPECT_EQ(world.firmware->Quarantined(), 1U);
  EXPECT_EQ(world.firmware->Choose("", "iPhone10,1").error().code, ErrorCode::kFirmwareRotted);
  EXPECT_EQ(world.firmware->Choose("1111", "iPhone10,1").error().code, ErrorCode::kFirmwareRotted);
  EXPECT_EQ(world.firmware->Choose("", "iPhone9,1").error().code, ErrorCode::kFirmwareAbsent);
}

TEST_F(KeeperTest, PhoneRefusesWhatItGot_ItIsReadAgainOnce) {
  Store("1");
  Begin();
  Used('1', ErrorCode::kDeviceStatusVerification);
  Used('1', ErrorCode::kDeviceStatusVerification);
  ASSERT_EQ(world.workers.started.size(), 1U);
  EXPECT_EQ(Orders().sha256, std::string(64, '1'));
  EXPECT_EQ(Orders().bytes_per_second, 0U) << "phones wait for it";
  errands.OnFinished(world.LastTask(), {});
  EXPECT_EQ(There(), "1") << "the phone was wrong";
  Used('1', ErrorCode::kDeviceStatusVerification);
  errands.OnFinished(world.LastTask(), {.error = ErrorCode::kFirmwareRotted});
  EXPECT_EQ(There(), "");
}

TEST_F(KeeperTest, Scrub_InIdleTime_OneAfterTheOther_AtItsPace) {
  Store("12");
  Begin({.scrub_interval = std::chrono::hours(24), .scrub_bytes_per_second = 1000});
  keeper->OnCart({.working = 1});
  world.Turn(25h);
  EXPECT_TRUE(world.workers.started.empty()) << "phones are worked on";
  keeper->OnCart({.working = 0});
  world.Turn(11min);
  ASSERT_EQ(world.workers.started.size(), 1U);
  EXPECT_EQ(Orders().sha256, std::string(64, '1')) << "the older one";
  EXPECT_EQ(Orders().bytes_per_second, 1000U);
  errands.OnFinished(world.LastTask(), {});
  ASSERT_EQ(world.workers.started.size(), 2U);
  EXPECT_EQ(Orders().sha256, std::string(64, '2'));
  errands.OnFinished(world.LastTask(), {});
  world.Turn(23h);
  EXPECT_EQ(world.workers.started.size(), 2U);
  world.Turn(2h);
  EXPECT_EQ(world.workers.started.size(), 3U);
}

TEST_F(KeeperTest, ScrubStopsForWork_AndGoesOnWhereItWas) {
  Store("1");
  Begin({.scrub_interval = std::chrono::hours(24), .scrub_bytes_per_second = 1000});
  world.Turn(25h);
  const std::string task = world.LastTask();
  errands.OnProgress(task, {Step::kNone, 0.5, 500, 1000});
  keeper->OnCart({.working = 2});
  EXPECT_TRUE(world.workers.cancelled.contains(task));
  errands.OnFinished(task, {.error = ErrorCode::kCancelled});
  keeper->OnCart({.working = 0});
  world.Turn(11min);
  EXPECT_NE(world.LastTask(), task);
  EXPECT_EQ(Orders().from, 500U);
  errands.OnFinished(world.LastTask(), {.error = ErrorCode::kFirmwareRotted, .context = "here"});
  EXPECT_EQ(There(), "");
  EXPECT_EQ(world.firmware->Shelf().InQuarantine().at(0).reason, "here");
}

}  // namespace
}  // namespace station::daemon
