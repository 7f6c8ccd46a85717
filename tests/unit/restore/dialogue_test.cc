// The message loop against a scripted phone on the other end of a socket.

#include "station/restore/dialogue.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "firmware_world.h"
#include "small_server.h"

namespace station::restore {
namespace {

using plist::Plist;
using testing::Bytes;
using testing::FirmwareWorld;
using testing::ParseXml;

constexpr std::chrono::milliseconds kPatience{10000};

std::pair<device::Connection, device::Connection> Pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  return {device::Connection(Fd(fds[0])), device::Connection(Fd(fds[1]))};
}

// The phone's side: says and hears whole messages.
class Phone {
 public:
  explicit Phone(device::Connection connection) : channel_(std::move(connection)) {}
  void Say(const std::string& xml) {
    EXPECT_TRUE(channel_.Send(ParseXml("<plist>" + xml + "</plist>"), control_));
  }
  // The host may have hung up by now.
  void Mutter(const std::string& xml) {
    (void)channel_.Send(ParseXml("<plist>" + xml + "</plist>"), control_);
  }
  Plist Hear() {
    auto message = channel_.Receive(kPatience, control_);
    EXPECT_TRUE(message) << (message ? "" : message.error().context);
    return message ? std::move(*message) : Plist::Dict();
  }
  // QueryValue SavedDebugInfo and StartRestore: how every dialogue begins.
  Plist Begin() {
    EXPECT_EQ(Hear()["QueryKey"].String(), "SavedDebugInfo");
    Say("<dict><key>SavedDebugInfo</key><dict><key>PanicLog</key><string>panic!</string></dict></"
        "dict>");
    return Hear();
  }
  void Status(int status, const std::string& more = "") {
    Say("<dict><key>MsgType</key><string>StatusMsg</string><key>Status</key><integer>" +
        std::to_string(status) + "</integer>" + more + "</dict>");
  }
  void Request(const std::string& kind, const std::string& type, const std::string& more = "") {
    Say("<dict><key>MsgType</key><string>" + kind + "</string><key>DataType</key><string>" + type +
        "</string>" + more + "</dict>");
  }
  // Until the host closes; what it says is not looked at.
  void WaitForEnd() {
    while (channel_.Receive(kPatience, control_)) {
    }
  }
  // ReceivedFinalStatusMsg and Goodbye.
  void End() {
    Status(0);
    EXPECT_EQ(Hear()["MsgType"].String(), "ReceivedFinalStatusMsg");
    EXPECT_EQ(Hear()["Request"].String(), "Goodbye");
    Say("<dict><key>Result</key><string>Success</string></dict>");
  }

 private:
  device::PlistChannel channel_;
  testing::FreeRun control_;
};

Bytes EncryptedImage() {
  Bytes image(10'000, 3);
  std::copy_n("AEA1", 4, image.begin());
  return image;
}

class DialogueTest : public ::testing::Test {
 protected:
  DialogueTest()
      : world_(ParseXml(
                   "<plist><dict><key>Info</key><dict/><key>Manifest</key><dict><key>Fud</"
                   "key><dict><key>Info</key><dict><key>Path</key><string>fud</string>"
                   "<key>IsFUDFirmware</key><true/></dict></dict><key>Cryptex</key><dict><key>"
                   "Info</key><dict><key>Path</key><string>cryptex</string></dict></dict></dict></"
                   "dict></plist>"),
               {{"fud", testing::MakeIm4p("fudx", Bytes(40, 1))}, {"cryptex", EncryptedImage()}}) {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("dialogue." + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    world_.setup.phone_log = folder_ / "phone.log";
  }
  ~DialogueTest() override { std::filesystem::remove_all(folder_); }

  // Runs the dialogue; the phone follows its script beside it. Data ports the script expects are
  // served in order.
  Status Run(const std::function<void(Phone&)>& script,
             std::vector<device::Connection> ports = {}) {
    auto [ours, theirs] = Pair();
    std::optional<RestoredClient> restored(
        RestoredClient(device::PlistChannel(std::move(ours)), 15));
    std::jthread phone([&script, end = std::make_shared<device::Connection>(std::move(theirs))] {
      Phone scripted(std::move(*end));
      script(scripted);
    });
    std::mutex mutex;
    const ConnectToPort connect = [&](std::uint16_t) -> Result<device::Connection> {
      const std::lock_guard lock(mutex);
      if (ports.empty()) return Fail(ErrorCode::kPhoneGone, "no such port");
      device::Connection port = std::move(ports.front());
      ports.erase(ports.begin());
      return port;
    };
    auto done =
        RunDialogue(*restored, connect, world_.components, world_.setup, world_.control, {[] {}});
    restored.reset();  // hangs up, before the phone's script is waited for
    return done;
  }

  [[nodiscard]] std::string PhoneLogText() const {
    return ReadFile(world_.setup.phone_log).value_or("");
  }

  FirmwareWorld world_;
  std::filesystem::path folder_;
};

TEST_F(DialogueTest, AnswersAndEnds) {
  const auto done = Run([](Phone& phone) {
    const Plist start = phone.Begin();
    EXPECT_EQ(start["Request"].String(), "StartRestore");
    EXPECT_EQ(start["RestoreProtocolVersion"].Integer(), 15U);
    phone.Request("DataRequestMsg", "RootTicket");
    EXPECT_TRUE(phone.Hear()["RootTicketData"].IsData());
    phone.Request("DataRequestMsg", "FDRTrustData");
    EXPECT_EQ(phone.Hear().Get().Size(), 0U);
    phone.Say("<dict><key>MsgType</key><string>RestoreAttestation</string></dict>");
    EXPECT_EQ(phone.Hear()["RestoreShouldAttest"].Bool(), false);
    phone.End();
  });
  EXPECT_TRUE(done) << done.error().context;
}

TEST_F(DialogueTest, WhatNobodyKnowsIsLeftUnanswered_AndTheRestoreGoesOn) {
  EXPECT_TRUE(Run([](Phone& phone) {
    phone.Begin();
    phone.Request("DataRequestMsg", "SomethingNew",
                  "<key>Arguments</key><dict><key>Secret</key><data>AQID</data></dict>");
    phone.Say("<dict><key>MsgType</key><string>NewMsg</string></dict>");
    phone.Say("<dict/>");
    phone.Say("<dict><key>MsgType</key><string>AsyncWait</string></dict>");
    phone.Request("DataRequestMsg", "RootTicket");
    EXPECT_TRUE(phone.Hear()["RootTicketData"].IsData())
        << "the next answer is for what was asked last";
    phone.End();
  }));
}

TEST_F(DialogueTest, FirstErrorStays_WhateverIsSaidAfterwards) {
  const auto done = Run([](Phone& phone) {
    phone.Begin();
    phone.Say(
        "<dict><key>MsgType</key><string>CheckpointMsg</string><key>CHECKPOINT_ID</"
        "key><integer>1545</integer><key>CHECKPOINT_RESULT</key><integer>1</integer></dict>");
    phone.Status(14, "<key>Log</key><string>sep did not start</string>");
    phone.Mutter(
        "<dict><key>MsgType</key><string>ProgressMsg</string><key>Operation</key><integer>20</"
        "integer><key>Progress</key><integer>5</integer></dict>");
    phone.Mutter(
        "<dict><key>MsgType</key><string>StatusMsg</string><key>Status</key><integer>0</integer></"
        "dict>");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kDeviceStatusSep) << done.error().context;
  EXPECT_NE(PhoneLogText().find("sep did not start"), std::string::npos);
  EXPECT_NE(PhoneLogText().find("panic!"), std::string::npos);
}

TEST_F(DialogueTest, HostTooOldIsSaidBeforeAnythingIsErased) {
  const auto done = Run([](Phone& phone) {
    phone.Begin();
    phone.Say(
        "<dict><key>MsgType</key><string>CheckpointMsg</string><key>CHECKPOINT_ID</"
        "key><integer>1621</integer><key>CHECKPOINT_NAME</key>"
        "<string>is_host_compatible</string><key>CHECKPOINT_RESULT</key><integer>-1</"
        "integer><key>CHECKPOINT_COMPLETE</key><true/></dict>");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kHostTooOld);
}

struct Ending {
  const char* name;
  const char* message;
  ErrorCode code;
};
void PrintTo(const Ending& row, std::ostream* out) { *out << row.name; }
class BadEnding : public DialogueTest, public ::testing::WithParamInterface<Ending> {};
TEST_P(BadEnding, IsToldByItsCode) {
  const auto done = Run([](Phone& phone) {
    phone.Begin();
    if (*GetParam().message == '\0') return;
    phone.Say(GetParam().message);
    phone.WaitForEnd();
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, GetParam().code) << done.error().context;
}
INSTANTIATE_TEST_SUITE_P(
    Phone, BadEnding,
    ::testing::Values(
        Ending{"closes", "", ErrorCode::kPhoneGone},
        Ending{"status_without_number", "<dict><key>MsgType</key><string>StatusMsg</string></dict>",
               ErrorCode::kRestoreDialogue},
        Ending{"amr_error_with_status_0",
               "<dict><key>MsgType</key><string>StatusMsg</string><key>Status</key><integer>0</"
               "integer><key>AMRError</key><integer>27</integer></dict>",
               ErrorCode::kDeviceStatusMount},
        Ending{"baseband_refused",
               "<dict><key>MsgType</key><string>BBUpdateStatusMsg</string><key>Accepted</"
               "key><false/></dict>",
               ErrorCode::kDeviceStatusBaseband},
        Ending{"component_missing",
               "<dict><key>MsgType</key><string>DataRequestMsg</string><key>DataType</"
               "key><string>KernelCache</string></dict>",
               ErrorCode::kFirmwareMemberMissing},
        Ending{"asynchronous_failure",
               "<dict><key>MsgType</key><string>AsyncDataRequestMsg</string><key>DataType</"
               "key><string>KernelCache</string></dict>",
               ErrorCode::kFirmwareMemberMissing},
        Ending{"data_port_closed",
               "<dict><key>MsgType</key><string>DataRequestMsg</string><key>DataType</"
               "key><string>RootTicket</string><key>DataPort</key><integer>4711</integer></dict>",
               ErrorCode::kPhoneGone}),
    [](const auto& row) { return row.param.name; });

// A phone that waits for what it was not given hangs without a word (restore-protocol 10.4).
TEST_F(DialogueTest, SilentPhoneIsNotWaitedForForEver) {
  world_.setup.silence = std::chrono::milliseconds(600);
  const Status done = Run([](Phone& phone) {
    phone.Begin();
    phone.WaitForEnd();
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kDeviceSilent) << done.error().context;
}

TEST_F(DialogueTest, DataPortGetsTheAnswer_BesideTheConversation) {
  auto [ours, theirs] = Pair();
  std::vector<device::Connection> ports;
  ports.push_back(std::move(ours));
  auto end = std::make_shared<device::Connection>(std::move(theirs));
  EXPECT_TRUE(Run(
      [end](Phone& phone) {
        phone.Begin();
        phone.Request("AsyncDataRequestMsg", "FUDData",
                      "<key>DataPort</key><integer>4711</integer><key>Arguments</"
                      "key><dict><key>FUDImageList</key><true/></dict>");
        phone.Request("DataRequestMsg", "RootTicket");
        EXPECT_TRUE(phone.Hear()["RootTicketData"].IsData());
        Phone port(std::move(*end));
        EXPECT_EQ(port.Hear()["FUDImageList"].At(0).String(), "Fud");
        phone.End();
      },
      std::move(ports)));
}

TEST_F(DialogueTest, UpdaterOutputIsTakenToItsEnd) {
  auto [ours, theirs] = Pair();
  std::vector<device::Connection> ports;
  ports.push_back(std::move(ours));
  auto end = std::make_shared<device::Connection>(std::move(theirs));
  EXPECT_TRUE(Run(
      [end](Phone& phone) {
        phone.Begin();
        phone.Say(
            "<dict><key>MsgType</key><string>BasebandUpdaterOutputData</string><key>DataPort</key>"
            "<integer>4711</integer></dict>");
        testing::FreeRun control;
        EXPECT_TRUE(end->Send(Bytes(100'000, 7), kPatience, control));
        *end = device::Connection(Fd());  // closes
        phone.End();
      },
      std::move(ports)));
}

// A boot object on a port of its own; the key for it is asked for there and answered on another
// one.
TEST_F(DialogueTest, EncryptedObjectAndItsKeyGoOverPortsOfTheirOwn) {
  testing::SmallServer server([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nkey";
  });
  world_.setup.further_hosts = {"127.0.0.1"};
  auto [object_ours, object_theirs] = Pair();
  auto [key_ours, key_theirs] = Pair();
  std::vector<device::Connection> ports;
  ports.push_back(std::move(object_ours));
  ports.push_back(std::move(key_ours));
  auto object_end = std::make_shared<device::Connection>(std::move(object_theirs));
  auto key_end = std::make_shared<device::Connection>(std::move(key_theirs));
  const auto done = Run(
      [=, &server](Phone& phone) {
        phone.Begin();
        phone.Request(
            "AsyncDataRequestMsg", "SourceBootObjectV4",
            "<key>DataPort</key><integer>1</integer><key>Arguments</key><dict><key>ImageName</key>"
            "<string>Cryptex</string></dict>");
        Phone object(std::move(*object_end));
        EXPECT_EQ(object.Hear()["FileData"].Data()->size(), 8192U);
        object.Say(
            "<dict><key>MsgType</key><string>URLAsset</string><key>DataPort</key><integer>2</"
            "integer>"
            "<key>Arguments</key><dict><key>RequestMethod</key><string>GET</"
            "string><key>RequestURL</key><string>" +
            server.Url("/key") + "</string></dict></dict>");
        Phone key(std::move(*key_end));
        EXPECT_EQ(key.Hear()["ResponseBody"].Data()->size(), 3U);
        EXPECT_EQ(object.Hear()["FileData"].Data()->size(), 1808U);
        EXPECT_EQ(object.Hear()["FileDataDone"].Bool(), true);
        phone.End();
      },
      std::move(ports));
  EXPECT_TRUE(done) << done.error().context;
}

TEST_F(DialogueTest, ManyAsynchronousRequestsAreAllAnswered) {
  EXPECT_TRUE(Run([](Phone& phone) {
    phone.Begin();
    for (int i = 0; i < 100; ++i) phone.Request("AsyncDataRequestMsg", "RootTicket");
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(phone.Hear()["RootTicketData"].IsData());
    phone.End();
  }));
}

TEST_F(DialogueTest, LogsAreBounded) {
  EXPECT_TRUE(Run([](Phone& phone) {
    phone.Begin();
    for (int i = 0; i < 5; ++i)
      phone.Say(
          "<dict><key>MsgType</key><string>PreviousRestoreLogMsg</string><key>PreviousRestoreLog</"
          "key><string>" +
          std::string(5U << 20U, 'x') + "</string></dict>");
    phone.End();
  }));
  EXPECT_LE(std::filesystem::file_size(world_.setup.phone_log), 8U << 20U);
  EXPECT_GE(std::filesystem::file_size(world_.setup.phone_log), 4U << 20U);
}

}  // namespace
}  // namespace station::restore
