#include "station/daemon/cart/imports.h"

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

struct Told {
  std::uint64_t progress = 0;
  std::optional<Result<store::Entry>> result;
  Imports::Asker Asker() {
    return {.progress = [this](std::uint64_t done, std::uint64_t) { progress = done; },
            .done = [this](Result<store::Entry> entry) { result = std::move(entry); }};
  }
};

class ImportsTest : public testing::Test {
 protected:
  World world;
  int changes = 0;
  Imports imports{world.clock, world.workers, *world.firmware, [this] { ++changes; }};
};

TEST_F(ImportsTest, OneFetcherForOnePath_HoweverManyAsk) {
  Told first, second;
  imports.Add("/a.ipsw", "", first.Asker());
  imports.Add("/a.ipsw", "", second.Asker());
  ASSERT_EQ(world.workers.started.size(), 1U);
  const std::string task = world.LastTask();
  imports.OnProgress(task, {Step::kNone, 0.5, 50, 100});
  EXPECT_EQ(first.progress, 50U);
  EXPECT_EQ(second.progress, 50U);
  store::Entry entry;
  entry.version = "15.8";
  imports.OnImported(task, entry);
  EXPECT_EQ(first.result->value().version, "15.8");
  EXPECT_TRUE(second.result->has_value());
  EXPECT_EQ(changes, 1);
  imports.OnGone(task);
  EXPECT_EQ(changes, 1);
}

TEST_F(ImportsTest, Refusals) {
  for (const auto& [path, sha256] :
       std::vector<std::pair<std::string, std::string>>{{"a.ipsw", ""}, {"/a.ipsw", "12"}}) {
    Told told;
    imports.Add(path, sha256, told.Asker());
    EXPECT_EQ(told.result->error().code, ErrorCode::kBadRequest);
  }
  EXPECT_TRUE(world.workers.started.empty());
}

TEST_F(ImportsTest, FetchersErrorReachesTheAsker) {
  Told told;
  imports.Add("/a.ipsw", "", told.Asker());
  imports.OnFinished(world.LastTask(),
                     {.error = ErrorCode::kFirmwareHashMismatch, .context = "flipped"});
  EXPECT_EQ(told.result->error().code, ErrorCode::kFirmwareHashMismatch);
}

TEST_F(ImportsTest, FetcherDies_IsSaid_AndCanBeTriedAgain) {
  Told told, again;
  imports.Add("/a.ipsw", "", told.Asker());
  const std::string task = world.LastTask();
  imports.OnGone(task);
  EXPECT_EQ(told.result->error().code, ErrorCode::kWorkerDied);
  imports.Add("/a.ipsw", "", again.Asker());
  EXPECT_NE(world.LastTask(), task);
}

}  // namespace
}  // namespace station::daemon
