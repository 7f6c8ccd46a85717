#include "station/ledger/ledger.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <set>

#include "station/ledger/reader.h"
#include "station/ledger/schema.h"

namespace station::ledger {
namespace {

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    std::string name = testing::TempDir() + "ledgerXXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "ledger.sqlite";
  }
  ~LedgerTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Ledger> Open() const {
    auto opened = Ledger::Open(path_, [](std::function<void()> call) { call(); });
    EXPECT_TRUE(opened.has_value()) << opened.error().context;
    return std::move(*opened);
  }
  [[nodiscard]] Reader Read() const { return std::move(*Reader::Open(path_)); }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

// Returns once it is on disk.
Status AppendAndWait(Ledger& ledger, std::vector<Record> records) {
  std::promise<Status> done;
  ledger.Append(std::move(records), [&](Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

JobRow SampleJob(JobId id) {
  JobRow job;
  job.id = id;
  job.port = {"pci0000:00/0000:00:14.0:4.2"};
  job.port_label = "A1";
  job.phone.ecid = {0xFFFF'0000'1234'5678};  // beyond what a signed number holds
  job.phone.udid = "00008110-000A1B2C3D4E001E";
  job.phone.product = "iPhone10,1";
  job.phone.mode = PhoneMode::kRecovery;
  job.firmware_sha256 = std::string(64, 'a');
  job.arming_id = 3;
  job.actor = "O'Neill; DROP TABLE jobs";
  job.created = {1'700'000'000'123};
  return job;
}

TEST_F(LedgerTest, JobsSurviveReopening_WithTheirSteps) {
  {
    const auto ledger = Open();
    JobRow job = SampleJob(ledger->NextJobId());
    ASSERT_TRUE(AppendAndWait(*ledger, {PutJob{job}}));
    job.outcome = Outcome::kNeedsCableOrPort;
    job.error = ErrorCode::kAsrTransfer;
    job.ended = {1'700'000'100'000};
    job.signer_root = "Rack Root";
    job.simulated = true;
    ASSERT_TRUE(
        AppendAndWait(*ledger, {PutStep{job.id, {2, Step::kStream, {5}, {}, 0}},
                                PutStep{job.id, {2, Step::kStream, {5}, {9}, 77}}, PutJob{job}}));
  }
  const auto ledger = Open();
  EXPECT_EQ(ledger->NextJobId(), JobId{2}) << "numbers go on";
  const auto job = Read().Job({1});
  ASSERT_TRUE(job.has_value() && job->has_value());
  EXPECT_EQ((*job)->phone, SampleJob({1}).phone);
  EXPECT_EQ((*job)->actor, "O'Neill; DROP TABLE jobs");
  EXPECT_EQ((*job)->error, ErrorCode::kAsrTransfer);
  EXPECT_TRUE((*job)->simulated);
  ASSERT_EQ((*job)->steps.size(), 1U);
  EXPECT_EQ((*job)->steps[0].bytes, 77U);
  EXPECT_EQ((*job)->steps[0].attempt, 2);
}

TEST_F(LedgerTest, Queries_FilterAndPage) {
  const auto ledger = Open();
  std::vector<Record> records;
  for (int i = 0; i < 5; ++i) {
    JobRow job = SampleJob(ledger->NextJobId());
    if (i == 1) job.action = Action::kIdentify;
    if (i == 2) job.port = {"other:1"};
    if (i < 4) job.ended = {1};
    records.push_back(PutJob{job});
  }
  ASSERT_TRUE(AppendAndWait(*ledger, records));
  Reader reader = Read();
  const auto ids = [&](const JobQuery& query) {
    const auto jobs = reader.Jobs(query);
    std::vector<std::int64_t> numbers;
    for (const JobRow& job : *jobs) numbers.push_back(job.id.value);
    return numbers;
  };
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(ids({}), (Ids{5, 4, 3, 1}));
  EXPECT_EQ(ids({.include_identify = true}), (Ids{5, 4, 3, 2, 1}));
  EXPECT_EQ(ids({.limit = 2}), (Ids{5, 4}));
  EXPECT_EQ(ids({.before_id = 4, .limit = 2}), (Ids{3, 1}));
  EXPECT_EQ(ids({.port = PortKey{"other:1"}}), (Ids{3}));
  EXPECT_EQ(ids({.running_only = true}), (Ids{5}));
}

TEST_F(LedgerTest, Phones_KeepWhatALaterModeDoesNotTell) {
  const auto ledger = Open();
  PhoneFacts normal = SampleJob({1}).phone;
  normal.mode = PhoneMode::kNormal;
  normal.serial_number = "F2LAAAA";
  PhoneFacts dfu;
  dfu.ecid = normal.ecid;
  dfu.mode = PhoneMode::kDfu;
  ASSERT_TRUE(AppendAndWait(*ledger, {PutPhone{normal, {1}}, PutPhone{dfu, {2}}}));
  const auto phones = Read().Phones();
  ASSERT_EQ(phones->size(), 1U);
  EXPECT_EQ((*phones)[0].serial_number, "F2LAAAA");
  EXPECT_EQ((*phones)[0].mode, PhoneMode::kDfu);
}

TEST_F(LedgerTest, ArmingsLabelsSettings_ComeBack) {
  const auto ledger = Open();
  ArmingRow arming;
  arming.id = ledger->NextArmingId();
  arming.ports = {"a:1", "b:2"};
  arming.taken = {"0x0000000000000001"};
  arming.count = 2;
  ASSERT_TRUE(
      AppendAndWait(*ledger, {PutArming{arming}, PutLabel{{"a:1"}, "A1"}, PutLabel{{"b:2"}, "B"},
                              PutLabel{{"b:2"}, ""}, PutSetting{"emergency_stop", "1"}}));
  Reader reader = Read();
  ASSERT_EQ(reader.Armings(true)->size(), 1U);
  EXPECT_EQ(reader.Armings(true)->front().ports, arming.ports);
  EXPECT_EQ(reader.Armings(true)->front().taken, arming.taken);
  EXPECT_EQ(reader.Labels(), (std::map<PortKey, std::string>{{{"a:1"}, "A1"}}));
  EXPECT_EQ(reader.Setting("emergency_stop").value(), "1");
  EXPECT_EQ(reader.Setting("none").value(), std::nullopt);
}

TEST_F(LedgerTest, Answers_TheFirstOneStays) {
  const auto ledger = Open();
  const std::string bytes("\x00\x01\xFF", 3);
  ASSERT_TRUE(AppendAndWait(*ledger, {PutAnswer{"r1", "Arm", bytes, {1}}}));
  ASSERT_TRUE(AppendAndWait(*ledger, {PutAnswer{"r1", "Arm", "other", {2}}}));
  Reader reader = Read();
  EXPECT_EQ(reader.Answer("r1", "Arm").value(), bytes);
  EXPECT_EQ(reader.Answer("r2", "Arm").value(), std::nullopt);
  EXPECT_EQ(reader.Answer("r1", "Disarm").error().code, ErrorCode::kBadRequest);
}

TEST_F(LedgerTest, LastJobs_AreOnePerPortAndOnlyEnded) {
  const auto ledger = Open();
  JobRow first = SampleJob(ledger->NextJobId());
  first.began = first.ended = {5};
  JobRow second = SampleJob(ledger->NextJobId());
  second.began = second.ended = {6};
  JobRow never_began = SampleJob(ledger->NextJobId());
  never_began.ended = {7};
  JobRow running = SampleJob(ledger->NextJobId());
  running.port = {"other:1"};
  running.began = {8};
  ASSERT_TRUE(AppendAndWait(*ledger,
                            {PutJob{first}, PutJob{second}, PutJob{never_began}, PutJob{running}}));
  const auto last = Read().LastJobs();
  ASSERT_EQ(last->size(), 1U);
  EXPECT_EQ(last->front().id, second.id);
}

TEST_F(LedgerTest, NewerSchema_IsRefused) {
  static_cast<void>(Open());
  auto connection = Connection::Open(path_, Connection::Mode::kReadWrite);
  ASSERT_TRUE(connection->Execute("PRAGMA user_version = 99"));
  const auto reopened = Ledger::Open(path_, [](std::function<void()> call) { call(); });
  ASSERT_FALSE(reopened.has_value());
  EXPECT_EQ(reopened.error().code, ErrorCode::kLedger);
}

TEST_F(LedgerTest, Destruction_WritesWhatIsQueued) {
  {
    const auto ledger = Open();
    for (int i = 0; i < 200; ++i) ledger->Append({PutJob{SampleJob(ledger->NextJobId())}});
  }
  EXPECT_EQ(Read().Jobs({.limit = 1000})->size(), 200U);
}

// A process is killed while it writes: whatever it was told is durable is there afterwards, and the
// file opens.
TEST_F(LedgerTest, KilledWhileWriting_LosesNothingItPromised) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto ledger = Ledger::Open(path_, [](std::function<void()> call) { call(); });
    for (int i = 0; i < 100000; ++i) {
      const JobRow job = SampleJob((*ledger)->NextJobId());
      (*ledger)->Append({PutJob{job}}, [id = job.id.value, out = ends[1]](const Status& status) {
        if (status && ::write(out, &id, sizeof id) != sizeof id) ::_exit(1);
      });
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::set<std::int64_t> promised;
  std::int64_t id = 0;
  while (promised.size() < 20 && ::read(ends[0], &id, sizeof id) == sizeof id) promised.insert(id);
  ::kill(child, SIGKILL);
  while (::read(ends[0], &id, sizeof id) == sizeof id) promised.insert(id);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ASSERT_GE(promised.size(), 20U);
  const auto ledger = Open();
  EXPECT_GT(ledger->NextJobId().value, *promised.rbegin());
  Reader reader = Read();
  for (const std::int64_t number : promised)
    EXPECT_TRUE(reader.Job({number})->has_value()) << number;
}

}  // namespace
}  // namespace station::ledger
