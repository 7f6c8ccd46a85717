#pragma once
// The connection to stationd: finds its socket, calls it, and turns what goes wrong into a Failure.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "station/ctl/failure.h"
#include "station/v1/station.grpc.pb.h"

namespace station::ctl {

// What the command line says about where and who.
struct Place {
  std::string socket;   // --socket or $STATION_SOCKET
  std::string run_dir;  // --run-dir or $STATION_RUN_DIR or /run/station
};

// The socket to talk to: `place.socket`, else operator.sock in the run folder when it may be used,
// else viewer.sock. kUnreachable when there is none.
[[nodiscard]] Answer<std::string> FindSocket(const Place& place);

[[nodiscard]] Failure FailureFrom(const grpc::Status& status);
// 32 random hexadecimal digits.
[[nodiscard]] std::string NewRequestId();

class Client {
 public:
  explicit Client(const std::string& socket);

  template <typename Stub, typename Request, typename Response>
  [[nodiscard]] Answer<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, std::chrono::seconds limit = std::chrono::seconds(30)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return std::unexpected(FailureFrom(status));
    return response;
  }

  [[nodiscard]] v1::Ports::StubInterface& Ports() { return *ports_; }
  [[nodiscard]] v1::Jobs::StubInterface& Jobs() { return *jobs_; }
  [[nodiscard]] v1::FirmwareStore::StubInterface& FirmwareStore() { return *firmware_store_; }
  [[nodiscard]] v1::StationInfo::StubInterface& StationInfo() { return *station_info_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;  // gRPC's own ownership
  std::unique_ptr<v1::Ports::StubInterface> ports_;
  std::unique_ptr<v1::Jobs::StubInterface> jobs_;
  std::unique_ptr<v1::FirmwareStore::StubInterface> firmware_store_;
  std::unique_ptr<v1::StationInfo::StubInterface> station_info_;
};

using PortsStub = v1::Ports::StubInterface;
using JobsStub = v1::Jobs::StubInterface;
using FirmwareStoreStub = v1::FirmwareStore::StubInterface;
using StationInfoStub = v1::StationInfo::StubInterface;

}  // namespace station::ctl
