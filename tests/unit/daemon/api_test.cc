// The daemon whole, on a host without phones: what its sockets answer, to whom, and what outlives
// it.

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>

#include "station/daemon/daemon.h"
#include "station/daemon/notify.h"

namespace station::daemon {
namespace {

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    std::string name = testing::TempDir() + "apiXXXXXX";
    folder_ = ::mkdtemp(name.data());
    ::setenv("USBMUXD_SOCKET_ADDRESS", ("UNIX:" + (folder_ / "no-mux").string()).c_str(), 1);
    config_.name = "test";
    config_.state_dir = folder_ / "state";
    config_.run_dir = folder_ / "run";
    config_.catalogue_file = STATION_SOURCE_DIR "/config/catalogue.yaml";
    config_.program_dir = folder_;
    config_.metrics_port = 0;
    Begin();
  }
  ~ApiTest() override {
    End();
    std::filesystem::remove_all(folder_);
  }

  void Begin() {
    auto started = Daemon::Start(config_, "0.0.0");
    ASSERT_TRUE(started.has_value()) << started.error().context;
    daemon_ = std::move(*started);
    std::promise<void> ready;
    thread_ = std::thread([&] { daemon_->Run([&] { ready.set_value(); }); });
    ready.get_future().wait();
  }
  void End() {
    if (!thread_.joinable()) return;
    ::kill(::getpid(), SIGTERM);
    thread_.join();
    daemon_.reset();
  }
  std::shared_ptr<grpc::Channel> To(const std::string& role) {
    return grpc::CreateChannel("unix:" + (config_.run_dir / (role + ".sock")).string(),
                               grpc::InsecureChannelCredentials());
  }
  static v1::ErrorDetail DetailOf(const grpc::Status& status) {
    v1::ErrorDetail detail;
    EXPECT_TRUE(detail.ParseFromString(status.error_details()));
    return detail;
  }
  grpc::Status Stop(const std::string& role, const std::string& request_id, bool engaged,
                    v1::EmergencyStopResponse* response) {
    grpc::ClientContext context;
    v1::EmergencyStopRequest request;
    request.set_request_id(request_id);
    request.set_engaged(engaged);
    return v1::Jobs::NewStub(To(role))->EmergencyStop(&context, request, response);
  }
  bool EmergencyStopOn() {
    grpc::ClientContext context;
    v1::Station station;
    EXPECT_TRUE(v1::StationInfo::NewStub(To("viewer"))->GetStation(&context, {}, &station).ok());
    return station.emergency_stop();
  }

  std::filesystem::path folder_;
  config::Config config_;
  std::unique_ptr<Daemon> daemon_;
  std::thread thread_;
};

TEST_F(ApiTest, RolesDecide) {
  v1::EmergencyStopResponse response;
  const grpc::Status refused = Stop("viewer", "", true, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(DetailOf(refused).name(), "permission_denied");
  EXPECT_FALSE(DetailOf(refused).operator_line().empty());
  EXPECT_FALSE(EmergencyStopOn());
  EXPECT_TRUE(Stop("operator", "", true, &response).ok());
  EXPECT_TRUE(Stop("admin", "", false, &response).ok());
  struct stat info {};
  ASSERT_EQ(::stat((config_.run_dir / "operator.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0660U);
}

TEST_F(ApiTest, RequestIdAnswersAgain_AndDoesNothing_AlsoAfterARestart) {
  v1::EmergencyStopResponse first, again;
  ASSERT_TRUE(Stop("operator", "r1", true, &first).ok());
  ASSERT_TRUE(Stop("operator", "r2", false, &again).ok());
  again.Clear();
  ASSERT_TRUE(Stop("operator", "r1", true, &again).ok());
  EXPECT_TRUE(again.engaged()) << "as the first time";
  EXPECT_FALSE(EmergencyStopOn()) << "and nothing done";
  End();
  Begin();
  again.Clear();
  ASSERT_TRUE(Stop("operator", "r1", true, &again).ok());
  EXPECT_TRUE(again.engaged());
  EXPECT_FALSE(EmergencyStopOn());
}

TEST_F(ApiTest, Errors_CarryCodeAndOperatorLine) {
  grpc::ClientContext context;
  v1::ArmRequest request;
  request.add_ports("Z9");
  request.set_action(v1::ACTION_ERASE);
  v1::ArmResponse response;
  const grpc::Status status = v1::Jobs::NewStub(To("operator"))->Arm(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(status).code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_EQ(DetailOf(status).context(), "no port is called Z9");
}

TEST_F(ApiTest, Watch_SaysWhenTheCurrentStateIsComplete_AndEndsWithTheDaemon) {
  grpc::ClientContext context;
  const auto stub = v1::Ports::NewStub(To("viewer"));
  const auto reader = stub->WatchPorts(&context, {});
  v1::WatchPortsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.initial_state_complete());
  End();
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ApiTest, AddFirmware_WithoutItsFetcher_SaysSo) {
  grpc::ClientContext context;
  v1::AddFirmwareRequest request;
  request.set_path("/tmp/no.ipsw");
  const auto reader = v1::FirmwareStore::NewStub(To("operator"))->AddFirmware(&context, request);
  v1::AddFirmwareResponse response;
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(DetailOf(reader->Finish()).code(), v1::ERROR_CODE_WORKER_START);
}

TEST_F(ApiTest, SecondInstance_IsRefused) {
  const auto second = Daemon::Start(config_, "0.0.0");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
}

std::string Text(grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

TEST_F(ApiTest, HealthService_SaysServing) {
  grpc::GenericStub stub(To("viewer"));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", Bytes(""), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok && status.ok()) << status.error_message();
  EXPECT_EQ(Text(answer), "\x08\x01") << "status: SERVING";
}

TEST_F(ApiTest, Reflection_ListsTheServices) {
  grpc::GenericStub stub(To("viewer"));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto next = [&] { return queue.Next(&tag, &ok) && ok; };
  const auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  ASSERT_TRUE(next());
  call->Write(Bytes("\x3A\x01*"), nullptr);  // list_services: "*"
  ASSERT_TRUE(next());
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  ASSERT_TRUE(next());
  const std::string services = Text(answer);
  for (const char* name : {"station.v1.Ports", "station.v1.Jobs", "station.v1.FirmwareStore",
                           "station.v1.StationInfo", "grpc.health.v1.Health"})
    EXPECT_NE(services.find(name), std::string::npos) << name;
  call->WritesDone(nullptr);
  static_cast<void>(next());
  grpc::Status status;
  call->Finish(&status, nullptr);
  static_cast<void>(queue.Next(&tag, &ok));
}

TEST_F(ApiTest, ReadySignal_IsSentToTheServiceManager) {
  const std::string path = folder_ / "notify";
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  NotifyServiceManager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[64];
  const ssize_t size = ::recv(socket.Get(), buffer, sizeof buffer, MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(size)), "READY=1");
}

}  // namespace
}  // namespace station::daemon
