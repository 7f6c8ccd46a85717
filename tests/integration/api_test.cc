// The API itself, spoken with plain gRPC: roles, health, reflection, watch, request ids, paging,
// errors.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "station/v1/station.grpc.pb.h"
#include "tests/integration/bench.h"

namespace station::integration {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: A1, port: "1-1.1", product: "iPhone10,1", ecid: "0xd1", os_build: "18H17", mode: normal}
  - {name: A2, port: "1-1.2", product: "iPhone10,4", ecid: "0xd2", os_build: "18H17", mode: recovery}
  - {name: A3, port: "1-1.3", product: "iPhone10,3", ecid: "0xd3", os_build: "18H17", mode: normal}
)";

class Api : public testing::Test {
 protected:
  void SetUp() override {
    bench_.Start();
    for (const char* port : {"1-1.1", "1-1.2", "1-1.3"})
      ASSERT_TRUE(bench_.AwaitState(port, "IDLE"));
  }
  std::shared_ptr<grpc::Channel> Channel(const std::string& role) {
    return grpc::CreateChannel("unix:" + (bench_.RunDir() / (role + ".sock")).string(),
                               grpc::InsecureChannelCredentials());
  }
  Bench bench_{{.cart = kCart}};
};

TEST_F(Api, ViewerLooksOperatorActs) {
  const auto viewer = v1::Jobs::NewStub(Channel("viewer"));
  v1::ArmRequest request;
  request.add_ports("1-1.1");
  request.set_action(v1::ACTION_ERASE);
  request.set_request_id("viewer-1");
  v1::ArmResponse armed;
  grpc::ClientContext refused;
  const grpc::Status status = viewer->Arm(&refused, request, &armed);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  v1::ErrorDetail detail;
  ASSERT_TRUE(detail.ParseFromString(status.error_details()));
  EXPECT_EQ(detail.code(), v1::ERROR_CODE_PERMISSION_DENIED);
  EXPECT_FALSE(detail.operator_line().empty());

  grpc::ClientContext looking;
  v1::ListPortsResponse ports;
  EXPECT_TRUE(v1::Ports::NewStub(Channel("viewer"))->ListPorts(&looking, {}, &ports).ok());
  EXPECT_EQ(ports.ports_size(), 3);
}

// What streams its progress answers again with its last message alone.
template <typename Response>
std::vector<Response> ReadAll(std::unique_ptr<grpc::ClientReader<Response>> reader) {
  std::vector<Response> all;
  for (Response one; reader->Read(&one);) all.push_back(one);
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return all;
}

TEST_F(Api, TheSameRequestIdAnswersAgain_AlsoWhatTakesLong) {
  const Forged forged = bench_.Forge("iphone8_ios15");
  const auto store = v1::FirmwareStore::NewStub(Channel("operator"));
  const auto twice = [&](auto ask) {
    const auto first = ask();
    const auto again = ask();
    ASSERT_FALSE(first.empty());
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again.back().SerializeAsString(), first.back().SerializeAsString());
  };
  v1::AddFirmwareRequest add;
  add.set_request_id("add");
  add.set_path(forged.file);
  twice([&] {
    grpc::ClientContext context;
    auto told = ReadAll(store->AddFirmware(&context, add));
    std::filesystem::remove(forged.file);  // a second import would fail
    return told;
  });
  v1::ExportFirmwareRequest out;
  out.set_request_id("export");
  out.set_sha256(forged.sha256);
  out.set_folder(bench_.StateDir() / "stick");
  std::filesystem::create_directory(out.folder());
  twice([&] {
    grpc::ClientContext context;
    auto told = ReadAll(store->ExportFirmware(&context, out));
    std::filesystem::remove_all(out.folder());
    return told;
  });
  v1::VerifyFirmwareRequest verify;
  verify.set_request_id("verify");
  verify.set_sha256(forged.sha256);
  const auto stored = bench_.StateDir() / "store/objects" / forged.sha256;
  twice([&] {
    grpc::ClientContext context;
    auto told = ReadAll(store->VerifyFirmware(&context, verify));
    std::filesystem::remove_all(stored);
    return told;
  });
}

TEST_F(Api, TheSameRequestIdDoesNothingTwice) {
  const auto jobs = v1::Jobs::NewStub(Channel("operator"));
  v1::ArmRequest request;
  request.add_ports("1-1.1");
  request.set_action(v1::ACTION_ERASE);
  request.set_request_id("once");
  request.mutable_countdown()->set_seconds(300);
  v1::ArmResponse first;
  v1::ArmResponse second;
  grpc::ClientContext one;
  grpc::ClientContext two;
  ASSERT_TRUE(jobs->Arm(&one, request, &first).ok());
  ASSERT_TRUE(jobs->Arm(&two, request, &second).ok());
  EXPECT_EQ(first.arming().id(), second.arming().id());
  v1::ListArmingsResponse armings;
  grpc::ClientContext three;
  ASSERT_TRUE(jobs->ListArmings(&three, {}, &armings).ok());
  EXPECT_EQ(armings.armings_size(), 1);
}

TEST_F(Api, WatchBeginsWithTheCurrentStateAndThenTellsChanges) {
  const auto ports = v1::Ports::NewStub(Channel("viewer"));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto stream = ports->WatchPorts(&context, {});
  v1::WatchPortsResponse message;
  int known = 0;
  while (stream->Read(&message) && !message.initial_state_complete()) ++known;
  EXPECT_EQ(known, 3);
  ASSERT_EQ(bench_.Rack({"unplug", "A1"}).exit_code, 0);
  bool empty = false;
  while (!empty && stream->Read(&message)) empty = message.port().state() == v1::PORT_STATE_EMPTY;
  EXPECT_TRUE(empty);
  context.TryCancel();
  (void)stream->Finish();
}

TEST_F(Api, PagesAreCompleteAndInOrder) {
  const auto ports = v1::Ports::NewStub(Channel("viewer"));
  std::vector<std::string> labels;
  v1::ListPortsRequest request;
  request.set_page_size(2);
  do {
    v1::ListPortsResponse page;
    grpc::ClientContext context;
    ASSERT_TRUE(ports->ListPorts(&context, request, &page).ok());
    EXPECT_LE(page.ports_size(), 2);
    for (const v1::Port& port : page.ports()) labels.push_back(port.label());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(labels.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(labels));
}

TEST_F(Api, HealthAndReflectionAnswer) {
  // Spoken without generated stubs: a Check with an empty service name, and its answer SERVING
  // (field 1 = 1).
  const auto channel = Channel("viewer");
  grpc::ByteBuffer request;
  const grpc::Slice empty("");
  request = grpc::ByteBuffer(&empty, 1);
  grpc::ByteBuffer answer;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::GenericStub generic(channel);
  const auto call =
      generic.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(answer.Dump(&slices).ok());
  ASSERT_FALSE(slices.empty());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()),
            std::string("\x08\x01", 2));

  // Reflection: list_services (field 7) names our services.
  const grpc::Slice list("\x3a\x01*");
  const grpc::ByteBuffer ask(&list, 1);
  grpc::ClientContext reflection_context;
  grpc::CompletionQueue reflection_queue;
  const auto stream = generic.PrepareCall(
      &reflection_context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      &reflection_queue);
  const auto next = [&] { return reflection_queue.Next(&tag, &ok) && ok; };
  stream->StartCall(nullptr);
  ASSERT_TRUE(next());
  stream->Write(ask, nullptr);
  ASSERT_TRUE(next());
  grpc::ByteBuffer services;
  stream->Read(&services, nullptr);
  ASSERT_TRUE(next());
  ASSERT_TRUE(services.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  for (const char* service : {"station.v1.Ports", "station.v1.Jobs", "station.v1.FirmwareStore",
                              "station.v1.StationInfo"})
    EXPECT_NE(text.find(service), std::string::npos) << service;
  reflection_context.TryCancel();
  grpc::Status end;
  stream->Finish(&end, nullptr);
  (void)reflection_queue.Next(&tag, &ok);
}

TEST_F(Api, ErrorsCarryCodeAndOperatorLine) {
  const auto jobs = v1::Jobs::NewStub(Channel("operator"));
  v1::ArmRequest request;
  request.add_ports("no-such-port");
  request.set_action(v1::ACTION_ERASE);
  request.set_request_id("error");
  v1::ArmResponse answer;
  grpc::ClientContext context;
  const grpc::Status status = jobs->Arm(&context, request, &answer);
  ASSERT_FALSE(status.ok());
  v1::ErrorDetail detail;
  ASSERT_TRUE(detail.ParseFromString(status.error_details()));
  EXPECT_EQ(detail.code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_EQ(detail.name(), "not_found");
  EXPECT_NE(detail.context().find("no-such-port"), std::string::npos);
}

}  // namespace
}  // namespace station::integration
