// Fetches: what is on the server ends in the store, whatever happens on the way; what is wrong does
// not, and says why.

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <set>

#include "station/base/digest.h"
#include "store_world.h"
#include "tests/rack/downloads/server.h"

namespace station::fetcher {
namespace {

using ::testing::HasSubstr;
using testing::IpswParts;
using testing::kMayNotMount;
using testing::MakeZip;
using testing::OnFileSystem;
using testing::StoreWorld;

constexpr std::size_t kOsSize = 6U << 20U;

class FetchTest : public StoreWorld {
 protected:
  FetchTest()
      : zip_(MakeZip(IpswParts({.os_size = kOsSize}))),
        server_(rack::DownloadServer::Start().value()) {
    rack::PublishedFile file;
    file.path = Write("a.ipsw", zip_.bytes);
    file.build = "22B83";
    EXPECT_TRUE(server_->Publish(file));
    other_ = rack::DownloadServer::Start().value();
    EXPECT_TRUE(other_->Publish(file));
  }

  [[nodiscard]] FetchRequest Request() const {
    FetchRequest request;
    request.store = store_;
    request.remote.urls = {server_->UrlOf("a.ipsw")};
    request.remote.http.silence_patience = std::chrono::seconds(2);
    request.remote.pause = [](std::chrono::milliseconds) { return true; };
    request.sha256 = Sha256Of(zip_.Span());
    return request;
  }
  void Fault(const std::vector<std::string>& words) {
    const auto set = server_->SetFault(words);
    EXPECT_TRUE(set) << set.error().context;
  }
  void ExpectStored(const Result<store::Entry>& entry) const {
    ASSERT_TRUE(entry) << entry.error().context;
    EXPECT_EQ(entry->sha256, Sha256Of(zip_.Span()));
    const auto reader = Reader(*entry);
    for (const auto& part : IpswParts({.os_size = kOsSize}))
      EXPECT_EQ(testing::AsText(reader.Read(part.name).value()), part.content) << part.name;
    EXPECT_EQ(Open().List()->size(), 1U);
  }

  testing::Archive zip_;
  std::unique_ptr<rack::DownloadServer> server_;
  std::unique_ptr<rack::DownloadServer> other_;
};

TEST_F(FetchTest, EndsInTheStoreInOnePass) {
  std::uint64_t told = 0;
  const auto entry = Fetch(Request(), {.progress = [&](auto done, auto) { told = done; }});
  ExpectStored(entry);
  EXPECT_EQ(entry->source, server_->UrlOf("a.ipsw"));
  EXPECT_EQ(told, zip_.bytes.size());
  EXPECT_EQ(std::filesystem::exists(ObjectFolder(*entry) / "chunks"), false);
  // The directory and the manifest are read beforehand, a little is fetched twice.
  EXPECT_LE(server_->FileBytesSent(), zip_.bytes.size() + (256U << 10U));
}

TEST_F(FetchTest, HalfWayStopped_GoesOnWhereItWas) {
  bool stop = false;
  ImportHooks hooks;
  hooks.stop = [&] { return stop; };
  hooks.progress = [&](auto done, auto total) { stop = done >= total / 2; };
  EXPECT_EQ(Fetch(Request(), hooks).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(ObjectCount(), 0U);
  const std::uint64_t first = server_->FileBytesSent();
  ExpectStored(Fetch(Request(), {}));
  // Buffers on the way are lost with a connection; a chunk that was whole is not.
  EXPECT_LT(server_->FileBytesSent() - first, zip_.bytes.size() * 3 / 4);
}

TEST_F(FetchTest, Killed_GoesOnWhereItWas) {
  Fault({"stall-at", std::to_string(4U << 20U)});
  const pid_t child = ::fork();
  if (child == 0) {
    (void)Fetch(Request(), {.progress = [](auto done, auto) {
                  if (done >= 4U << 20U) ::raise(SIGKILL);
                }});
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::uint64_t first = server_->FileBytesSent();
  ExpectStored(Fetch(Request(), {}));
  EXPECT_LT(server_->FileBytesSent() - first, zip_.bytes.size() / 2);
}

TEST_F(FetchTest, WhatWasKeptAndRotted_IsFetchedAgain) {
  bool stop = false;
  ImportHooks hooks;
  hooks.stop = [&] { return stop; };
  hooks.progress = [&](auto done, auto total) { stop = done >= total / 2; };
  EXPECT_FALSE(Fetch(Request(), hooks));
  for (const auto& item : std::filesystem::recursive_directory_iterator(store_ / "downloads"))
    if (item.path().filename() == "firmware.ipsw") Flip(item.path(), 1'500'000);
  ExpectStored(Fetch(Request(), {}));
}

TEST_F(FetchTest, ChangedOnTheServerMeanwhile_BeginsAnew) {
  bool stop = false;
  ImportHooks hooks;
  hooks.stop = [&] { return stop; };
  hooks.progress = [&](auto done, auto total) { stop = done >= total / 2; };
  EXPECT_FALSE(Fetch(Request(), hooks));
  Fault({"new-version"});
  ExpectStored(Fetch(Request(), {}));
}

TEST_F(FetchTest, AnotherProcessFetchesIt_IsSaidSo) {
  auto shelf = Open();
  const auto busy = shelf.OpenDownload(ToHex(*Request().sha256));
  ASSERT_TRUE(busy);
  EXPECT_EQ(Fetch(Request(), {}).error().code, ErrorCode::kAlreadyExists);
}

TEST_F(FetchTest, KnownHashAlreadyInStore_IsNotFetched) {
  ExpectStored(Fetch(Request(), {}));
  const std::uint64_t first = server_->FileBytesSent();
  ExpectStored(Fetch(Request(), {}));
  EXPECT_EQ(server_->FileBytesSent(), first);
}

// The server takes absolute addresses, as a proxy does.
TEST_F(FetchTest, ThroughAProxy_NothingElseIsAsked) {
  FetchRequest request = Request();
  request.remote.urls = {"http://firmware.invalid/files/a.ipsw"};
  request.remote.http.proxy = other_->BaseUrl();
  ExpectStored(Fetch(std::move(request), {}));
  EXPECT_GE(other_->FileBytesSent(), zip_.bytes.size());
  EXPECT_EQ(server_->FileBytesSent(), 0U);
}

TEST_F(FetchTest, FirstMirrorDead_TheNextOneGoesOnInTheMiddle) {
  Fault({"break-at", std::to_string(3U << 20U)});
  FetchRequest request = Request();
  request.remote.urls.push_back(other_->UrlOf("a.ipsw"));
  request.remote.pause = [&](std::chrono::milliseconds) {
    EXPECT_TRUE(server_->SetFault({"missing"}));
    return true;
  };
  const auto entry = Fetch(std::move(request), {});
  ExpectStored(entry);
  EXPECT_EQ(entry->source, other_->UrlOf("a.ipsw"));
  EXPECT_LT(other_->FileBytesSent(), zip_.bytes.size());
}

TEST_F(FetchTest, Sha1OfAnOlderCatalogue_IsCheckedToo) {
  FetchRequest request = Request();
  request.sha256.reset();
  request.sha1 = Sha1Of(zip_.Span());
  ExpectStored(Fetch(request, {}));
  (*request.sha1)[3] ^= 1U;
  const auto wrong = Fetch(request, {});
  EXPECT_EQ(wrong.error().code, ErrorCode::kFirmwareHashMismatch);
  EXPECT_TRUE(std::filesystem::is_empty(store_ / "downloads"));
}

TEST_F(FetchTest, PlainHttpFromElsewhere_NeedsAHash) {
  FetchRequest request = Request();
  request.sha256.reset();
  request.remote.urls = {"http://firmware.example/a.ipsw"};
  EXPECT_EQ(Fetch(request, {}).error().code, ErrorCode::kBadRequest);
  request.remote.urls = {"ftp://127.0.0.1/a.ipsw"};
  EXPECT_EQ(Fetch(request, {}).error().code, ErrorCode::kBadRequest);
}

TEST_F(FetchTest, DiskFull_IsSaidSo_AndTheStoreIsAsItWas) {
  const auto small = MakeZip(IpswParts({.os_size = 1U << 20U}));
  const auto first = Write("small.ipsw", small.bytes);
  const auto ended = OnFileSystem(store_, "tmpfs", "size=5m", [&] {
    const auto there = Import(first);
    const auto entry = Fetch(Request(), {});
    if (!there || entry) return 1;
    std::cerr << entry.error().context << "\n";
    if (entry.error().code != ErrorCode::kDiskFull) return 2;
    if (!entry.error().context.contains("reserving " + std::to_string(zip_.bytes.size()))) return 3;
    const auto entries = Open().List();
    if (!entries || entries->size() != 1 || IncomingCount() != 0) return 4;
    const auto kept = Reader(*there).Read("os.dmg");
    if (!kept || kept->size() != 1U << 20U) return 5;
    // Once there is room it goes on, in the same place.
    if (!Open().Remove(there->sha256)) return 6;
    return ::mount("none", store_.c_str(), nullptr, MS_REMOUNT, "size=32m") == 0 &&
                   Fetch(Request(), {})
               ? 0
               : 7;
  });
  if (!ended) GTEST_SKIP() << kMayNotMount;
  EXPECT_EQ(*ended, 0);
}

// The time is a lower bound: nothing but the limit makes it that long, and a busy machine only
// makes it longer.
TEST_F(FetchTest, NoFasterThanAllowed) {
  FetchRequest request = Request();
  request.remote.http.bytes_per_second = 12'000'000;
  const auto begin = std::chrono::steady_clock::now();
  ExpectStored(Fetch(std::move(request), {}));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took.count(), 0.5 * static_cast<double>(zip_.bytes.size()) / 12e6);
}

struct FaultCase {
  const char* name;
  std::vector<std::string> fault;
  ErrorCode ends_in;  // kNone: in the store all the same
  bool kept = false;  // what has come stays for the next try
  std::uint64_t announced_size_off = 0;
  bool no_hash = false;
  std::size_t cut = 0;  // bytes the published file lacks at its end
};
void PrintTo(const FaultCase& row, std::ostream* out) { *out << row.name; }

class FetchFault : public FetchTest, public ::testing::WithParamInterface<FaultCase> {};

TEST_P(FetchFault, EndsAsItShould) {
  const FaultCase& row = GetParam();
  FetchRequest request = Request();
  if (row.cut > 0) {
    rack::PublishedFile file;
    file.path = Write("a.ipsw", zip_.bytes.substr(0, zip_.bytes.size() - row.cut));
    ASSERT_TRUE(server_->Publish(file));
  }
  if (row.no_hash) request.sha256.reset();
  if (row.announced_size_off != 0) request.remote.size = zip_.bytes.size() + row.announced_size_off;
  if (!row.fault.empty()) Fault(row.fault);
  const auto entry = Fetch(std::move(request), {});
  if (row.ends_in == ErrorCode::kNone) return ExpectStored(entry);
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, row.ends_in) << entry.error().context;
  EXPECT_EQ(ObjectCount(), 0U);
  EXPECT_EQ(IncomingCount(), 0U);
  EXPECT_EQ(!std::filesystem::is_empty(store_ / "downloads"), row.kept);
}

const std::vector<FaultCase> kFaults = {
    FaultCase{"BusyTwice", {"http-503", "2"}, ErrorCode::kNone},
    FaultCase{"BusyForEver", {"http-503", "100"}, ErrorCode::kFirmwareDownload, true},
    FaultCase{"BreaksOff", {"break-at", "2000000"}, ErrorCode::kNone},
    FaultCase{"Stalls", {"stall-at", "2000000"}, ErrorCode::kNone},
    FaultCase{"FlippedBit", {"flip-at", "2000000"}, ErrorCode::kFirmwareHashMismatch},
    FaultCase{"FlippedBitUnknownHash",
              {"flip-at", "2000000"},
              ErrorCode::kFirmwareMalformed,
              false,
              0,
              true},
    FaultCase{"NoRanges", {"no-ranges"}, ErrorCode::kNone},
    FaultCase{"NoLength", {"no-length"}, ErrorCode::kNone},
    FaultCase{"Missing", {"missing"}, ErrorCode::kFirmwareDownload, true},
    FaultCase{"Forbidden", {"forbidden"}, ErrorCode::kFirmwareDownload, true},
    FaultCase{"Redirected", {"redirect"}, ErrorCode::kNone},
    FaultCase{"SizeAnnouncedWrong", {}, ErrorCode::kFirmwareSizeMismatch, true, 1},
    FaultCase{"TruncatedZip", {}, ErrorCode::kFirmwareMalformed, false, 0, true, 100},
    FaultCase{"TruncatedZipKnownHash", {}, ErrorCode::kFirmwareMalformed, false, 0, false, 100},
    FaultCase{"Slow", {"rate", "30000000"}, ErrorCode::kNone}};

INSTANTIATE_TEST_SUITE_P(Table, FetchFault, ::testing::ValuesIn(kFaults),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(FetchFaults, AreAtLeastTen_AndMostEndInAnErrorOfTheirOwn) {
  EXPECT_GE(kFaults.size(), 10U);
  std::set<ErrorCode> errors;
  for (const FaultCase& row : kFaults) errors.insert(row.ends_in);
  EXPECT_GE(errors.size(), 5U) << "fine, no download, hash, size, malformed";
}

}  // namespace
}  // namespace station::fetcher
