// Real processes and the real socket; the worker is a shell script and this test speaks for it.

#include "station/daemon/supervise/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "station/daemon/supervise/process.h"

namespace station::daemon {
namespace {

struct Heard : TaskListener {
  void OnIdentified(const std::string&, const ledger::PhoneFacts& phone) override {
    identified = phone;
  }
  void OnStep(const std::string&, const StepReport& report) override {
    steps.push_back(report.step);
  }
  void OnProgress(const std::string&, const ProgressReport&) override {}
  void OnFinished(const std::string&, const Ended& last) override { ended = last; }
  void OnImported(const std::string&, const store::Entry&) override {}
  void OnFound(const std::string&, const std::vector<Offer>&) override {}
  void OnGone(const std::string& task) override { gone.push_back(task); }
  ledger::PhoneFacts identified;
  std::vector<Step> steps;
  std::optional<Ended> ended;
  std::vector<std::string> gone;
};

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    std::string name = testing::TempDir() + "superXXXXXX";
    folder = ::mkdtemp(name.data());
    program = folder / "worker.sh";
    // Waits for ever in one process: nobody writes to that pipe.
    ::mkfifo((folder / "never").c_str(), 0600);
    std::ofstream(program) << "#!/bin/sh\nread nothing < " << (folder / "never").string() << "\n";
    ::chmod(program.c_str(), 0755);
    supervisor = std::make_unique<Supervisor>(
        io, SupervisorSettings{program, program, folder / "worker.sock", folder, {}});
    EXPECT_TRUE(supervisor->Open(heard));
  }
  ~SupervisorTest() override {
    for (const auto& [task, pid] : pids) ::kill(pid, SIGKILL);
    supervisor.reset();
    std::filesystem::remove_all(folder);
  }

  void Start(const std::string& task) {
    ASSERT_TRUE(supervisor->Start(
        {task, IdentifyTask{{1}, {{"p:1"}, {"1-1"}, "A1"}, PhoneMode::kNormal, "serial"}}));
  }
  // Lets the state thread work until `until` holds.
  void RunUntil(const std::function<bool()>& until) {
    for (int i = 0; i < 2000 && !until(); ++i) io.run_one_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(until());
  }
  // Connects as the task's process would and reads the answer.
  worker::v1::ToWorker Hello(const link::Channel& channel, const std::string& task, bool resumed,
                             std::uint32_t version = link::kLinkVersion) {
    worker::v1::ToDaemon hello;
    hello.mutable_hello()->set_link_version(version);
    hello.mutable_hello()->set_task(task);
    hello.mutable_hello()->set_resumed(resumed);
    EXPECT_TRUE(channel.Send(hello));
    for (int i = 0; i < 5; ++i) io.run_one_for(std::chrono::milliseconds(50));
    return channel.ReceiveMessage<worker::v1::ToWorker>().value().value();
  }

  boost::asio::io_context io;
  std::filesystem::path folder;
  std::filesystem::path program;
  Heard heard;
  std::unique_ptr<Supervisor> supervisor;
  std::map<std::string, pid_t> pids;
};

TEST_F(SupervisorTest, HelloIsAnsweredWithOrders_ReportsArrive) {
  Start("job-1");
  const auto channel = *link::Channel::Connect(folder / "worker.sock");
  const auto answer = Hello(channel, "job-1", false);
  ASSERT_TRUE(answer.has_welcome());
  EXPECT_EQ(answer.welcome().identify().usb_serial(), "serial");
  EXPECT_EQ(answer.welcome().identify().port().paths(0), "1-1");
  worker::v1::ToDaemon report;
  report.mutable_identified()->set_ecid(0x42);
  ASSERT_TRUE(channel.Send(report));
  RunUntil([&] { return heard.identified.ecid.Known(); });
  EXPECT_EQ(heard.identified.ecid, Ecid{0x42});
  supervisor->Kill("job-1");
  RunUntil([&] { return !heard.gone.empty(); });
  EXPECT_EQ(heard.gone, std::vector<std::string>{"job-1"});
}

TEST_F(SupervisorTest, LastWordsBeforeTheExitAreHeardFirst) {
  Start("job-1");
  const auto channel = *link::Channel::Connect(folder / "worker.sock");
  static_cast<void>(Hello(channel, "job-1", false));
  worker::v1::ToDaemon report;
  report.mutable_finished()->set_error_code(400);
  ASSERT_TRUE(channel.Send(report));
  supervisor->Kill("job-1");
  RunUntil([&] { return !heard.gone.empty(); });
  ASSERT_TRUE(heard.ended.has_value());
  EXPECT_EQ(heard.ended->error, ErrorCode::kPhoneGone);
}

TEST_F(SupervisorTest, StrangersAndOtherVersionsAreRefused) {
  Start("job-1");
  const auto stranger = *link::Channel::Connect(folder / "worker.sock");
  EXPECT_EQ(Hello(stranger, "job-99", false).refused().error_code(),
            static_cast<std::uint32_t>(ErrorCode::kNotFound));
  const auto newer = *link::Channel::Connect(folder / "worker.sock");
  EXPECT_EQ(Hello(newer, "job-1", false, 99).refused().error_code(),
            static_cast<std::uint32_t>(ErrorCode::kLinkVersion));
  supervisor->Kill("job-1");
  RunUntil([&] { return !heard.gone.empty(); });
}

TEST_F(SupervisorTest, ProgramThatIsNotThere_IsSaid) {
  Supervisor lost(io, {folder / "nothing", folder / "nothing", folder / "other.sock", folder, {}});
  const Status started = lost.Start({"job-1", ImportTask{}});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kWorkerStart);
}

TEST_F(SupervisorTest, WorkerOutlivesTheDaemon_AndIsAdoptedByTheNext) {
  Start("job-7");
  std::map<std::string, pid_t> found;
  RunUntil([&] {
    found = FindTasks(folder / "worker.sock");
    return found.contains("job-7");
  });
  pids = found;
  EXPECT_EQ(::getsid(found["job-7"]), found["job-7"]) << "a session of its own";
  supervisor->Close();
  supervisor = std::make_unique<Supervisor>(
      io, SupervisorSettings{program, program, folder / "worker.sock", folder, {}});
  ASSERT_TRUE(supervisor->Adopt("job-7", found["job-7"]));
  ASSERT_TRUE(supervisor->Open(heard));
  const auto channel = *link::Channel::Connect(folder / "worker.sock");
  EXPECT_TRUE(Hello(channel, "job-7", true).has_welcome());
  worker::v1::ToDaemon report;
  report.mutable_step_started()->set_step(8);
  ASSERT_TRUE(channel.Send(report));
  RunUntil([&] { return !heard.steps.empty(); });
  EXPECT_EQ(heard.steps[0], Step::kStream);
  supervisor->Kill("job-7");
  RunUntil([&] { return !heard.gone.empty(); });
}

}  // namespace
}  // namespace station::daemon
