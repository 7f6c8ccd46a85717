// lockdownd and its services, one answer at a time: what sessions open, what a lock closes, and the
// error names of device-services 3.3.

#include "tests/rack/lockdown/lockdownd.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/rack/lockdown/user.h"
#include "tests/rack/test/keys.h"
#include "tests/rack/test/paired_host.h"

namespace rack {
namespace {

constexpr const char* kHost = "11111111-2222-3333-4444-555555555555";

Value Request(const std::string& name, Value::Dict more = {}) {
  Value request = Value::Dict{{"Request", name}, {"Label", "test"}};
  for (auto& [key, value] : more) request.Set(key, std::move(value));
  return request;
}

class LockdownTest : public testing::Test {
 protected:
  explicit LockdownTest(const std::string& keys = "") : phone_(Spec(keys), TestRoot(), "") {
    stay_.Serve(kLockdownPort, [this](const std::shared_ptr<Stream>& stream) {
      ServeLockdown(phone_, stay_, *stream);
    });
  }
  static PhoneSpec Spec(const std::string& keys) {
    return ParseCart(
               "phones: [{port: \"1-1\", product: \"iPhone10,1\", ecid: \"0x1\"" + keys + "}]", "",
               TestProducts())
        ->front();
  }

  [[nodiscard]] std::unique_ptr<HostConnection> Connect() {
    return std::make_unique<HostConnection>(stay_, kLockdownPort);
  }
  [[nodiscard]] Value Record(HostConnection& host) {
    const auto answer = host.Ask(Request("GetValue", {{"Key", "DevicePublicKey"}}));
    return PairRecordFor(kHost, *answer->Data("Value"));
  }
  [[nodiscard]] std::string PairError(HostConnection& host) {
    return host.Ask(Request("Pair", {{"PairRecord", Record(host)}}))->Text("Error");
  }
  // Paired, in a session.
  [[nodiscard]] std::unique_ptr<HostConnection> Session() {
    auto host = Connect();
    const auto paired = host->Ask(Request("Pair", {{"PairRecord", Record(*host)}}));
    EXPECT_EQ(paired->Text("Error"), "");
    escrow_bag_ = *paired->Data("EscrowBag");
    const auto started = host->Ask(Request("StartSession", {{"HostID", kHost}}));
    session_ = started->Text("SessionID");
    EXPECT_TRUE(started->Flag("EnableSessionSSL"));
    EXPECT_TRUE(host->BeginTls());
    return host;
  }
  // Connected to a service, through TLS when it says so.
  [[nodiscard]] std::unique_ptr<HostConnection> Service(HostConnection& host,
                                                        const std::string& name) {
    const auto started = host.Ask(Request("StartService", {{"Service", name}}));
    EXPECT_EQ(started->Text("Error"), "") << name;
    const auto port = static_cast<std::uint16_t>(started->Number("Port").value_or(0));
    auto service = std::make_unique<HostConnection>(stay_, port);
    if (started->Flag("EnableServiceSSL")) {
      EXPECT_TRUE(service->BeginTls());
      EXPECT_FALSE(stay_.Find(port)) << "a port is for one connection";
    }
    return service;
  }

  Attachment stay_;
  Phone phone_;
  std::string session_;
  Bytes escrow_bag_;
};

TEST_F(LockdownTest, StrangersAreRefusedByName) {
  struct Row {
    const char* name;
    Value request;
    const char* error;
  };
  const Row rows[] = {
      {"Unknown", Request("Dance"), "InvalidRequest"},
      {"Serial", Request("GetValue", {{"Key", "SerialNumber"}}), "GetProhibited"},
      {"Domain", Request("GetValue", {{"Domain", "com.apple.fmip"}, {"Key", "IsAssociated"}}),
       "GetProhibited"},
      {"NoSuchKey", Request("GetValue", {{"Key", "Nothing"}}), "MissingValue"},
      {"Name", Request("SetValue", {{"Key", "DeviceName"}, {"Value", "x"}}), "SetProhibited"},
      {"Remove", Request("RemoveValue", {{"Key", "DeviceName"}}), "SessionInactive"},
      {"NoRecord", Request("Pair"), "MissingPairRecord"},
      {"EmptyRecord", Request("Pair", {{"PairRecord", Value::Dict{}}}), "InvalidPairRecord"},
      {"NoHost", Request("StartSession"), "MissingHostID"},
      {"OtherHost", Request("StartSession", {{"HostID", kHost}}), "InvalidHostID"},
      {"Validate", Request("ValidatePair", {{"PairRecord", Value::Dict{{"HostID", kHost}}}}),
       "InvalidHostID"},
      {"Unpair", Request("Unpair", {{"PairRecord", Value::Dict{{"HostID", kHost}}}}),
       "InvalidHostID"},
      {"StopSession", Request("StopSession", {{"SessionID", "x"}}), "SessionInactive"},
      {"ResetPairing", Request("ResetPairing"), "SessionInactive"},
      {"NoService", Request("StartService"), "MissingService"},
      {"Service", Request("StartService", {{"Service", "com.apple.mobile.diagnostics_relay"}}),
       "SessionInactive"},
      {"HostBuid", Request("SetValue", {{"Key", "UntrustedHostBUID"}, {"Value", "x"}}), ""},
      {"Type", Request("QueryType"), ""},
  };
  const auto host = Connect();
  for (const Row& row : rows) {
    const auto answer = host->Ask(row.request);
    ASSERT_TRUE(answer.has_value()) << row.name;
    EXPECT_EQ(answer->Text("Error"), row.error) << row.name;
    EXPECT_EQ(answer->Text("Request"), row.request.Text("Request")) << row.name;
  }
}

TEST_F(LockdownTest, CertificatesOfAnotherPhoneAreNoPairing) {
  Phone other(Spec(""), TestRoot(), "");
  Attachment other_stay;
  other_stay.Serve(kLockdownPort, [&](const std::shared_ptr<Stream>& stream) {
    ServeLockdown(other, other_stay, *stream);
  });
  HostConnection to_other(other_stay, kLockdownPort);
  const Value record = Record(to_other);
  const auto answer = Connect()->Ask(Request("Pair", {{"PairRecord", record}}));
  EXPECT_EQ(answer->Text("Error"), "InvalidPairRecord");
}

TEST_F(LockdownTest, SessionsOpenWhatIsClosedToStrangers) {
  const auto host = Session();
  EXPECT_EQ(host->Ask(Request("StartSession", {{"HostID", kHost}}))->Text("Error"),
            "SessionActive");
  EXPECT_EQ(host->Ask(Request("GetValue", {{"Key", "SerialNumber"}}))->Text("Value"),
            phone_.Spec().serial);
  EXPECT_EQ(
      host->Ask(Request("SetValue", {{"Key", "SerialNumber"}, {"Value", "x"}}))->Text("Error"),
      "SetProhibited");
  EXPECT_EQ(host->Ask(Request("StartService", {{"Service", "com.example"}}))->Text("Error"),
            "InvalidService");
  EXPECT_EQ(host->Ask(Request("StopSession", {{"SessionID", "x"}}))->Text("Error"),
            "InvalidSessionID");
  EXPECT_EQ(host->Ask(Request("StopSession", {{"SessionID", session_}}))->Text("Error"), "");
  EXPECT_FALSE(host->Receive().has_value());  // TLS has been closed
}

TEST_F(LockdownTest, ForgottenHostKeepsItsSessionButGetsNoOther) {
  const auto host = Session();
  EXPECT_TRUE(phone_.SetFault({"distrust"}));
  EXPECT_EQ(host->Ask(Request("GetValue", {{"Key", "TrustedHostAttached"}}))->Flag("Value", true),
            false);
  EXPECT_EQ(Connect()->Ask(Request("StartSession", {{"HostID", kHost}}))->Text("Error"),
            "InvalidHostID");
}

class NeedsSession : public LockdownTest {
 protected:
  NeedsSession() : LockdownTest(", enter_recovery_needs_session: true") {}
};

TEST_F(NeedsSession, EnterRecoveryWorksInsideOne) {
  EXPECT_EQ(Connect()->Ask(Request("EnterRecovery"))->Text("Error"), "SessionInactive");
  const auto host = Session();
  EXPECT_EQ(host->Ask(Request("EnterRecovery"))->Text("Error"), "");
  const auto asked = phone_.NextRequest();
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(asked->wish.event, Event::kEnterRecovery);
}

class AskingPhone : public LockdownTest {
 protected:
  AskingPhone() : LockdownTest(", trust: ask, passcode: true") {}
};

TEST_F(AskingPhone, UntrustedHostsHearWhenTheyMayPair) {
  const auto host = Connect();
  EXPECT_EQ(PairError(*host), "PairingDialogResponsePending");
  const auto proxy = Service(*host, "com.apple.mobile.insecure_notification_proxy");
  const auto tell = [&](const char* command, const char* name) {
    proxy->Send(Value::Dict{{"Command", command}, {"Name", name}});
  };
  const char* const may_pair = "com.apple.mobile.lockdown.request_pair";
  const char* const attached = "com.apple.mobile.lockdown.host_attached";
  for (const char* name : {may_pair, "com.example.private", attached})
    tell("ObserveNotification", name);
  tell("PostNotification", attached);  // commands are carried out in order
  EXPECT_EQ(proxy->Receive()->Text("Name"), attached);
  phone_.Notices().Post("com.example.private");
  EXPECT_TRUE(TapOn(phone_, "trust"));
  const auto heard = proxy->Receive();
  EXPECT_EQ(heard->Text("Command"), "RelayNotification");
  EXPECT_EQ(heard->Text("Name"), may_pair);
  EXPECT_EQ(PairError(*host), "");
}

TEST_F(AskingPhone, LockedPhoneKeepsServicesFromWhoHasNoEscrowBag) {
  EXPECT_TRUE(TapOn(phone_, "trust"));
  const auto host = Session();
  EXPECT_TRUE(TapOn(phone_, "lock"));
  const Value::Dict preboard = {{"Service", "com.apple.preboardservice_v2"}};
  EXPECT_EQ(host->Ask(Request("StartService", preboard))->Text("Error"), "PasswordProtected");
  Value::Dict with_bag = preboard;
  with_bag.emplace_back("EscrowBag", escrow_bag_);
  EXPECT_EQ(host->Ask(Request("StartService", with_bag))->Text("Error"), "");
  with_bag.back().second = Bytes(32);
  EXPECT_EQ(host->Ask(Request("StartService", with_bag))->Text("Error"), "PasswordProtected");
  EXPECT_EQ(PairError(*Connect()), "PasswordProtected");
}

TEST_F(AskingPhone, StashbagWaitsForThePasscode) {
  EXPECT_TRUE(TapOn(phone_, "trust"));
  const auto host = Session();
  const auto preboard = Service(*host, "com.apple.preboardservice_v2");
  const auto ask = [&](const char* command) {
    return *preboard->Ask(Value::Dict{{"Command", command}, {"Manifest", Bytes(8)}});
  };
  EXPECT_TRUE(ask("CommitStashbag").Flag("Error"));
  EXPECT_TRUE(ask("CreateStashbag").Flag("ShowDialog"));
  // The service looks at the count from before the passcode: give it until it has seen one.
  std::jthread user([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) (void)TapOn(phone_, "unlock");
  });
  EXPECT_TRUE(preboard->Receive()->Flag("HideDialog"));
  user.request_stop();
  EXPECT_TRUE(ask("CommitStashbag").Flag("StashbagCommitComplete"));
  EXPECT_TRUE(phone_.State().ios.stashbag_committed);
}

TEST_F(LockdownTest, PhoneWithoutPasscodeNeedsNoStashbag) {
  const auto host = Session();
  const auto preboard = Service(*host, "com.apple.preboardservice_v2");
  EXPECT_TRUE(preboard->Ask(Value::Dict{{"Command", "CreateStashbag"}, {"Manifest", Bytes(8)}})
                  ->Flag("Skip"));
  EXPECT_TRUE(preboard->Ask(Value::Dict{{"Command", "CreateStashbag"}})->Flag("Error"));
}

TEST_F(LockdownTest, ActivationTellsItsState) {
  const auto host = Session();
  const auto activation = Service(*host, "com.apple.mobileactivationd");
  const Value ask = Value::Dict{{"Command", "GetActivationStateRequest"}};
  EXPECT_EQ(activation->Ask(ask)->Text("Value"), "Activated");
  phone_.Change([](PhoneState& state) { state.DestroyUserData(); });
  EXPECT_EQ(activation->Ask(ask)->Text("Value"), "Unactivated");
  EXPECT_NE(activation->Ask(Value::Dict{{"Command", "DeactivateRequest"}})->Text("Error"), "");
}

TEST_F(LockdownTest, HeartbeatStopsForWhoDoesNotAnswer) {
  const auto host = Session();
  const auto heart = Service(*host, "com.apple.mobile.heartbeat");
  const auto marco = heart->Receive();
  EXPECT_EQ(marco->Text("Command"), "Marco");
  EXPECT_GT(marco->Number("Interval"), 0U);
  EXPECT_EQ(heart->Ask(Value::Dict{{"Command", "What"}})->Text("Command"), "SleepyTime");
  EXPECT_FALSE(heart->Receive().has_value());
}

TEST_F(LockdownTest, EraseForgetsHostsNameAndPasscode) {
  const auto host = Session();
  (void)host->Ask(Request("SetValue", {{"Key", "DeviceName"}, {"Value", "Mine"}}));
  const std::string key = phone_.State().ios.device_key;
  EXPECT_FALSE(key.empty());
  phone_.Change([](PhoneState& state) { state.DestroyUserData(); });
  EXPECT_EQ(Connect()->Ask(Request("StartSession", {{"HostID", kHost}}))->Text("Error"),
            "InvalidHostID");
  EXPECT_EQ(Connect()->Ask(Request("GetValue", {{"Key", "DeviceName"}}))->Text("Value"), "iPhone");
  EXPECT_EQ(PairError(*Connect()), "");
  EXPECT_NE(phone_.State().ios.device_key, key);
}

TEST_F(LockdownTest, MessagesOfSessionsAndServicesAreRecorded) {
  const std::filesystem::path file =
      testing::TempDir() + "/racklockdown_" + std::to_string(getpid()) + ".jsonl";
  phone_.RecordTo(file);
  {
    const auto host = Session();
    const auto service = Service(*host, "com.apple.mobile.diagnostics_relay");
    EXPECT_TRUE(service->Ask(Request("Goodbye")));
  }
  std::vector<std::string> heard;
  for (const RecordedEvent& event : ReadRecording(file))
    if (event.toward == Toward::kPhone)
      heard.push_back(event.channel + " " + event.what.Text("Request"));
  EXPECT_EQ(heard, (std::vector<std::string>{"lockdown GetValue", "lockdown Pair",
                                             "lockdown StartSession", "lockdown StartService",
                                             "com.apple.mobile.diagnostics_relay Goodbye"}));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace rack
