#pragma once
// A station of canned answers behind a real gRPC socket, for running stationctl against.

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "station/base/error_code.h"
#include "station/v1/station.grpc.pb.h"

namespace station::ctl {

// The gRPC status stationd would send for this error.
[[nodiscard]] grpc::Status Refusal(ErrorCode code, const std::string& context);

// What the fake holds and was told. Set before Start; read after stationctl ended.
struct Script {
  std::vector<v1::Port> ports;
  std::vector<v1::Port> changes;  // sent by WatchPorts after the current state
  std::vector<v1::Port> changes_after_label;
  bool end_watch_once =
      false;  // the first watch ends after its changes, as when the daemon restarts
  v1::PlanArmResponse plan;
  std::vector<v1::ArmTarget> armed_targets;
  std::vector<v1::Job> jobs;
  std::vector<v1::Firmware> firmware;
  std::vector<v1::AddFirmwareResponse> import;
  v1::Station station;
  grpc::Status refusal;  // answered by every act when it is no OK

  std::vector<v1::ArmRequest> armed;
  std::vector<v1::DisarmRequest> disarmed;
  std::vector<v1::CancelJobRequest> cancelled;
  std::vector<v1::RetryJobRequest> retried;
  std::vector<v1::EmergencyStopRequest> stops;
  std::vector<v1::LabelPortRequest> labels;
  std::vector<v1::AddFirmwareRequest> imports;
};

class FakeStation {
 public:
  explicit FakeStation(Script script);
  ~FakeStation();
  FakeStation(const FakeStation&) = delete;
  FakeStation& operator=(const FakeStation&) = delete;

  [[nodiscard]] const std::filesystem::path& RunDir() const { return folder_; }
  [[nodiscard]] std::string Socket() const { return folder_ / "operator.sock"; }
  [[nodiscard]] Script& Told() { return script_; }
  // Ends every stream and stops answering.
  void Stop();

 private:
  class Ports;
  class Jobs;
  class Store;
  class Info;

  Script script_;
  std::mutex mutex_;
  bool stopping_ = false;  // guarded by mutex_
  int watches_ = 0;        // guarded by mutex_
  std::filesystem::path folder_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Info> info_;
  std::unique_ptr<grpc::Server> server_;
};

[[nodiscard]] v1::Port MakePort(const std::string& label, v1::PortState state,
                                const std::string& product_name = "iPhone 8");
[[nodiscard]] v1::Port Working(v1::Port port, v1::Step step, double fraction,
                               std::uint64_t bytes_done = 0, std::uint64_t bytes_total = 0);
[[nodiscard]] v1::Port Failed(v1::Port port, ErrorCode code);

}  // namespace station::ctl
