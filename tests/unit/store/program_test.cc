// station-fetcher as it is run: by hand, and by stationd over the link.

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "station/base/digest.h"
#include "station/link/channel.h"
#include "store_world.h"
#include "worker/v1/worker.pb.h"

namespace station::fetcher {
namespace {

using ::testing::HasSubstr;
using testing::IpswParts;
using testing::MakeZip;
using worker::v1::ToDaemon;
using worker::v1::ToWorker;

class FetcherProgram : public testing::StoreWorld {
 protected:
  // Runs it with output to files "out" and "err"; a stop signal may be waiting for it already.
  pid_t Start(const std::vector<std::string>& arguments, int waiting_signal = 0) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    std::vector<std::string> all = {STATION_FETCHER};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& argument : all) argv.push_back(argument.data());
    argv.push_back(nullptr);
    if (std::freopen((folder_ / "out").c_str(), "w", stdout) == nullptr ||
        std::freopen((folder_ / "err").c_str(), "w", stderr) == nullptr)
      ::_exit(120);
    if (waiting_signal != 0) {
      sigset_t signals;
      sigemptyset(&signals);
      sigaddset(&signals, waiting_signal);
      sigprocmask(SIG_BLOCK, &signals, nullptr);
      ::kill(::getpid(), waiting_signal);
    }
    ::execv(argv[0], argv.data());
    ::_exit(121);
  }
  static int Wait(pid_t child) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int Run(const std::vector<std::string>& arguments, int waiting_signal = 0) {
    return Wait(Start(arguments, waiting_signal));
  }
  [[nodiscard]] std::string Out() const { return ReadFile(folder_ / "out").value(); }
  [[nodiscard]] std::string Err() const { return ReadFile(folder_ / "err").value(); }
  [[nodiscard]] std::string Ipsw() const {
    return Write("a.ipsw", MakeZip(IpswParts({.os_size = 3'000'000})).bytes);
  }

  // stationd's side of the link.
  void Listen() { listener_ = link::Listen(folder_ / "sock").value(); }
  [[nodiscard]] link::Channel Accept() const {
    pollfd waiting{listener_.Get(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 20'000), 1);
    return link::Channel(Fd(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  static std::vector<ToDaemon> ReceiveAll(const link::Channel& channel) {
    std::vector<ToDaemon> messages;
    while (true) {
      auto message = channel.ReceiveMessage<ToDaemon>();
      if (!message || !*message) return messages;
      messages.push_back(std::move(**message));
    }
  }
  [[nodiscard]] ToWorker Orders(const std::string& source) const {
    ToWorker message;
    message.mutable_welcome()->set_link_version(link::kLinkVersion);
    message.mutable_welcome()->mutable_import()->set_source_path(source);
    message.mutable_welcome()->mutable_import()->set_store_path(store_);
    return message;
  }
  [[nodiscard]] std::vector<std::string> LinkArguments() const {
    return {"--link", folder_ / "sock", "--task", "import-3"};
  }
  Fd listener_;
};

TEST_F(FetcherProgram, ImportByHand_PrintsTheEntry) {
  const std::string source = Ipsw();
  EXPECT_EQ(Run({"import", source, "--store", store_}), 0) << Err();
  const auto entry = Open().List().value().at(0);
  EXPECT_THAT(Out(), HasSubstr("{\"sha256\":\"" + ToHex(entry.sha256) + "\""));
  EXPECT_THAT(Out(), HasSubstr("\"products\":[\"iPhone10,1\",\"iPhone10,4\"]"));
  EXPECT_THAT(Err(), HasSubstr("of 2 MiB"));
  EXPECT_EQ(Run({"import", source, "--store", store_, "--sha256", ToHex(entry.sha256)}), 0);
  EXPECT_EQ(ObjectCount(), 1U);
}

TEST_F(FetcherProgram, FailedImport_SaysWhatToDo) {
  EXPECT_EQ(Run({"import", folder_ / "none.ipsw", "--store", store_}), 2);
  EXPECT_THAT(Err(), HasSubstr("error: firmware_unreadable: "));
  EXPECT_THAT(Err(), HasSubstr(std::string(OperatorLine(ErrorCode::kFirmwareUnreadable))));
  EXPECT_EQ(Run({"import", Ipsw(), "--store", store_, "--sha256", std::string(64, '0')}), 2);
  EXPECT_EQ(Run({"import", Ipsw(), "--store", folder_ / "a.ipsw"}), 1);
  EXPECT_EQ(Run({"import", Ipsw(), "--store", store_, "--sha256", "12"}), 6);
  EXPECT_EQ(Run({"import"}), 6);
  EXPECT_EQ(Run({}), 6);
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_EQ(ObjectCount() + IncomingCount(), 0U);
}

TEST_F(FetcherProgram, StopSignal_LeavesNothing) {
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EQ(Run({"import", Ipsw(), "--store", store_}, signal), 7);
    EXPECT_EQ(ObjectCount() + IncomingCount(), 0U);
  }
}

TEST_F(FetcherProgram, OnOrders_ReportsProgressAndTheEnd) {
  Listen();
  const pid_t child = Start(LinkArguments());
  const auto channel = Accept();
  const auto hello = channel.ReceiveMessage<ToDaemon>().value().value();
  EXPECT_EQ(hello.hello().link_version(), link::kLinkVersion);
  EXPECT_EQ(hello.hello().task(), "import-3");
  EXPECT_EQ(hello.hello().pid(), child);
  EXPECT_FALSE(hello.hello().resumed());
  ASSERT_TRUE(channel.Send(Orders(Ipsw())));
  const auto messages = ReceiveAll(channel);
  EXPECT_EQ(Wait(child), 0) << Err();
  ASSERT_GE(messages.size(), 3U);
  EXPECT_GT(messages[0].progress().bytes_total(), 3'000'000U);
  const auto& imported = messages[messages.size() - 2].imported();
  EXPECT_EQ(imported.sha256(), ToHex(Open().List().value().at(0).sha256));
  EXPECT_EQ(imported.version(), "18.1");
  EXPECT_EQ(imported.products_size(), 2);
  EXPECT_TRUE(messages.back().has_finished());
  EXPECT_EQ(messages.back().finished().error_code(), 0U);
}

TEST_F(FetcherProgram, OnOrdersForADamagedFile_ReportsTheError) {
  auto zip = MakeZip(IpswParts());
  zip.bytes[zip.data[4]] ^= 1;
  Listen();
  const pid_t child = Start(LinkArguments());
  const auto channel = Accept();
  ASSERT_TRUE(channel.Send(Orders(Write("a.ipsw", zip.bytes))));
  const auto messages = ReceiveAll(channel);
  EXPECT_EQ(Wait(child), 1);
  ASSERT_TRUE(messages.back().has_finished());
  EXPECT_EQ(messages.back().finished().error_code(),
            static_cast<std::uint32_t>(ErrorCode::kFirmwareMalformed));
  EXPECT_THAT(messages.back().finished().context(), HasSubstr("os.dmg"));
  EXPECT_EQ(ObjectCount() + IncomingCount(), 0U);
}

TEST_F(FetcherProgram, Cancelled_LeavesNothing) {
  Listen();
  const pid_t child = Start(LinkArguments());
  const auto channel = Accept();
  // Both are there before it goes on, so that it cannot be quicker.
  ::kill(child, SIGSTOP);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ToWorker cancel;
  cancel.mutable_cancel();
  ASSERT_TRUE(channel.Send(Orders(Ipsw())));
  ASSERT_TRUE(channel.Send(cancel));
  ::kill(child, SIGCONT);
  const auto messages = ReceiveAll(channel);
  EXPECT_EQ(Wait(child), 1);
  EXPECT_EQ(messages.back().finished().error_code(),
            static_cast<std::uint32_t>(ErrorCode::kCancelled));
  EXPECT_EQ(ObjectCount() + IncomingCount(), 0U);
}

TEST_F(FetcherProgram, DaemonGoneAndBack_IsToldTheEnd) {
  Listen();
  const pid_t child = Start(LinkArguments());
  {
    const auto channel = Accept();
    ASSERT_TRUE(channel.ReceiveMessage<ToDaemon>());
    ASSERT_TRUE(channel.Send(Orders(Ipsw())));
  }
  const auto channel = Accept();
  ASSERT_TRUE(channel.Send(Orders("")));
  const auto messages = ReceiveAll(channel);
  EXPECT_EQ(Wait(child), 0) << Err();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_TRUE(messages[0].hello().resumed());
  EXPECT_TRUE(messages[0].hello().finished());
  EXPECT_TRUE(messages[1].has_imported());
  EXPECT_TRUE(messages[2].has_finished());
  EXPECT_EQ(ObjectCount(), 1U);
}

TEST_F(FetcherProgram, RefusedOrNobodyThere_Ends) {
  EXPECT_EQ(Run(LinkArguments()), 1);
  Listen();
  const pid_t child = Start(LinkArguments());
  const auto channel = Accept();
  ToWorker refused;
  refused.mutable_refused()->set_error_code(static_cast<std::uint32_t>(ErrorCode::kLinkVersion));
  refused.mutable_refused()->set_context("too old");
  ASSERT_TRUE(channel.Send(refused));
  EXPECT_EQ(Wait(child), 1);
  EXPECT_THAT(Err(), HasSubstr("too old"));
}

}  // namespace
}  // namespace station::fetcher
