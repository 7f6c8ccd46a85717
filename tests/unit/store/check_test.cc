// A stored firmware read again: every byte is compared; exported, imported again, it is the same.

#include "station/fetcher/check.h"

#include <gmock/gmock.h>

#include "station/fetcher/export.h"
#include "store_world.h"
#include "zip_writer.h"

namespace station::fetcher {
namespace {

using ::testing::HasSubstr;
using testing::IpswForm;
using testing::IpswParts;
using testing::MakeZip;

class CheckTest : public testing::StoreWorld {
 protected:
  store::Entry Stored(const IpswForm& form) {
    return Import(Write("a.ipsw", MakeZip(IpswParts(form)).bytes)).value();
  }
  [[nodiscard]] CheckRequest Request(const store::Entry& entry) const {
    return {.store = store_, .sha256 = entry.sha256, .pause = [](std::chrono::milliseconds) {
              return true;
            }};
  }
};

TEST_F(CheckTest, Sound_ReadsEverything) {
  const auto entry = Stored({.os_size = 3'000'000, .deflate_os = true});
  std::uint64_t told = 0;
  std::uint64_t whole = 0;
  const auto checked = Check(Request(entry), {.progress = [&](auto done, auto total) {
                               told = done;
                               whole = total;
                             }});
  EXPECT_TRUE(checked) << checked.error().context;
  EXPECT_EQ(told, whole);
  EXPECT_EQ(whole, std::filesystem::file_size(ObjectFolder(entry) / "firmware.ipsw") +
                       std::filesystem::file_size(ObjectFolder(entry) / "os.img"));
}

TEST_F(CheckTest, OneBitAnywhere_IsFound) {
  struct Row {
    const char* file;
    double place;  // of the file's length
    const char* says;
  };
  for (const Row& row :
       {Row{"firmware.ipsw", 0, "bytes 0 to"}, Row{"firmware.ipsw", 0.99, "firmware.ipsw"},
        Row{"os.img", 0.5, "os.img"}, Row{"index", 0.5, "index"}}) {
    const auto entry = Stored({.os_size = 3'000'000, .deflate_os = true});
    const auto file = ObjectFolder(entry) / row.file;
    Flip(file, static_cast<std::uint64_t>(row.place *
                                          static_cast<double>(std::filesystem::file_size(file))));
    const auto checked = Check(Request(entry), {});
    ASSERT_FALSE(checked) << row.file;
    EXPECT_EQ(checked.error().code, ErrorCode::kFirmwareRotted) << row.file;
    EXPECT_THAT(checked.error().context, HasSubstr(row.says));
    ASSERT_TRUE(Open().Quarantine(entry.sha256, "test"));
  }
}

TEST_F(CheckTest, CutShortOrGone_IsRot) {
  const auto entry = Stored({.os_size = 3'000'000});
  const auto file = ObjectFolder(entry) / "firmware.ipsw";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::filesystem::resize_file(file, 1'000'000);
  EXPECT_EQ(Check(Request(entry), {}).error().code, ErrorCode::kFirmwareRotted);
  std::filesystem::remove(file);
  EXPECT_EQ(Check(Request(entry), {}).error().code, ErrorCode::kFirmwareRotted);
  std::filesystem::remove_all(ObjectFolder(entry));
  EXPECT_EQ(Check(Request(entry), {}).error().code, ErrorCode::kFirmwareAbsent);
}

TEST_F(CheckTest, Stopped_GoesOnFromWhereItWas) {
  const auto entry = Stored({.os_size = 5'000'000});
  bool stop = false;
  std::uint64_t reached = 0;
  ImportHooks hooks;
  hooks.stop = [&] { return stop; };
  hooks.progress = [&](auto done, auto) {
    reached = done;
    stop = done >= 2U << 20U;
  };
  EXPECT_EQ(Check(Request(entry), hooks).error().code, ErrorCode::kCancelled);
  // What lies before is not read again: rot there is the next round's.
  Flip(ObjectFolder(entry) / "firmware.ipsw", 10);
  CheckRequest rest = Request(entry);
  rest.from = reached;
  EXPECT_TRUE(Check(rest, {}));
  EXPECT_FALSE(Check(Request(entry), {}));
}

TEST_F(CheckTest, Paced_RestsInBetween) {
  const auto entry = Stored({.os_size = 5'000'000});
  CheckRequest request = Request(entry);
  request.bytes_per_second = 1U << 20U;
  std::chrono::milliseconds rested{0};
  request.pause = [&](std::chrono::milliseconds time) {
    rested = std::max(rested, time);
    return true;
  };
  EXPECT_TRUE(Check(request, {}));
  EXPECT_GT(rested, std::chrono::seconds(3)) << "five seconds' worth, and no time has passed";
  request.pause = [](std::chrono::milliseconds) { return false; };
  EXPECT_EQ(Check(request, {}).error().code, ErrorCode::kCancelled);
}

class ExportTest : public CheckTest {
 protected:
  ExportTest() { std::filesystem::create_directory(stick_); }
  std::filesystem::path stick_ = folder_ / "stick";
};

TEST_F(ExportTest, WhatIsExported_IsImportedElsewhere) {
  const auto entry = Stored({.os_size = 3'000'000, .deflate_os = true});
  const auto path = Export({store_, entry.sha256, stick_}, {});
  ASSERT_TRUE(path) << path.error().context;
  EXPECT_EQ(path->filename(), "18.1_22B83_" + ToHex(entry.sha256).substr(0, 12) + ".ipsw");
  EXPECT_EQ(ReadFile(stick_ / kSumsFile).value(),
            ToHex(entry.sha256) + "  " + path->filename().string() + "\n");
  EXPECT_EQ(ReadFile(path->string() + ".index").value(),
            ReadFile(ObjectFolder(entry) / "index").value());
  const auto again = fetcher::Import({*path, folder_ / "other", "test", entry.sha256}, {});
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(again->sha256, entry.sha256);
  ASSERT_TRUE(Export({store_, entry.sha256, stick_}, {})) << "once more does no harm";
  EXPECT_EQ(ReadFile(stick_ / kSumsFile).value().size(),
            66U + path->filename().string().size() + 1);
}

TEST_F(ExportTest, RotIsNotPassedOn_AndNothingIsLeft) {
  const auto entry = Stored({.os_size = 3'000'000});
  Flip(ObjectFolder(entry) / "firmware.ipsw", 2'000'000);
  EXPECT_EQ(Export({store_, entry.sha256, stick_}, {}).error().code, ErrorCode::kFirmwareRotted);
  EXPECT_TRUE(std::filesystem::is_empty(stick_));
}

TEST_F(ExportTest, StoppedOrNowhere_LeavesNothing) {
  const auto entry = Stored({.os_size = 3'000'000});
  EXPECT_EQ(Export({store_, entry.sha256, stick_}, {.stop = [] { return true; }}).error().code,
            ErrorCode::kCancelled);
  EXPECT_TRUE(std::filesystem::is_empty(stick_));
  EXPECT_EQ(Export({store_, entry.sha256, folder_ / "none"}, {}).error().code,
            ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace station::fetcher
