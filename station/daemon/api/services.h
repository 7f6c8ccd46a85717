#pragma once
// The services of station/v1, one object of each per socket, that is per role.

#include <grpcpp/grpcpp.h>

#include <string>

#include "station/daemon/api/acts.h"
#include "station/daemon/api/watch.h"
#include "station/daemon/cart/cart.h"
#include "station/daemon/cart/imports.h"
#include "station/daemon/cart/keeper.h"
#include "station/daemon/cart/supplies.h"
#include "station/v1/station.grpc.pb.h"

namespace station::daemon {

// What GetStation tells beside what changes.
struct StationFacts {
  std::string name;
  std::string version;
  std::string signing_url;
  std::string metrics_address;
  std::string store_path;
  std::string ledger_path;
  ledger::UnixMillis started;
};

// What the services work with; all outlive them. `cart`, `imports`, `supplies`, `firmware` and
// `hub` are the state thread's: reached through `acts.State()` only.
struct ApiParts {
  Acts& acts;
  Cart& cart;
  Imports& imports;
  Supplies& supplies;
  Keeper& keeper;
  Errands& errands;
  FirmwareChoice& firmware;
  WatchHub& hub;
  Clock& clock;
  const StationFacts& facts;
};

class PortsService final : public v1::Ports::Service {
 public:
  PortsService(ApiParts parts, Role role) : parts_(parts), role_(role) {}
  grpc::Status ListPorts(grpc::ServerContext*, const v1::ListPortsRequest*,
                         v1::ListPortsResponse*) override;
  grpc::Status GetPort(grpc::ServerContext*, const v1::GetPortRequest*, v1::Port*) override;
  grpc::Status WatchPorts(grpc::ServerContext*, const v1::WatchPortsRequest*,
                          grpc::ServerWriter<v1::WatchPortsResponse>*) override;
  grpc::Status LabelPort(grpc::ServerContext*, const v1::LabelPortRequest*, v1::Port*) override;
  grpc::Status ActOnPort(grpc::ServerContext*, const v1::ActOnPortRequest*, v1::Port*) override;
  grpc::Status ServicePort(grpc::ServerContext*, const v1::ServicePortRequest*, v1::Port*) override;
  grpc::Status ListBlame(grpc::ServerContext*, const v1::ListBlameRequest*,
                         v1::ListBlameResponse*) override;

 private:
  ApiParts parts_;
  Role role_;
};

class JobsService final : public v1::Jobs::Service {
 public:
  JobsService(ApiParts parts, Role role) : parts_(parts), role_(role) {}
  grpc::Status PlanArm(grpc::ServerContext*, const v1::ArmRequest*, v1::PlanArmResponse*) override;
  grpc::Status Arm(grpc::ServerContext*, const v1::ArmRequest*, v1::ArmResponse*) override;
  grpc::Status Disarm(grpc::ServerContext*, const v1::DisarmRequest*, v1::DisarmResponse*) override;
  grpc::Status ListArmings(grpc::ServerContext*, const v1::ListArmingsRequest*,
                           v1::ListArmingsResponse*) override;
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*,
                        v1::ListJobsResponse*) override;
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::Job*) override;
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest*, v1::Job*) override;
  grpc::Status RetryJob(grpc::ServerContext*, const v1::RetryJobRequest*, v1::Job*) override;
  grpc::Status Try(grpc::ServerContext*, const v1::TryRequest*, v1::Job*) override;
  grpc::Status EmergencyStop(grpc::ServerContext*, const v1::EmergencyStopRequest*,
                             v1::EmergencyStopResponse*) override;
  grpc::Status Drain(grpc::ServerContext*, const v1::DrainRequest*, v1::DrainResponse*) override;

 private:
  ApiParts parts_;
  Role role_;
};

class FirmwareService final : public v1::FirmwareStore::Service {
 public:
  FirmwareService(ApiParts parts, Role role) : parts_(parts), role_(role) {}
  grpc::Status AddFirmware(grpc::ServerContext*, const v1::AddFirmwareRequest*,
                           grpc::ServerWriter<v1::AddFirmwareResponse>*) override;
  grpc::Status CancelFirmware(grpc::ServerContext*, const v1::CancelFirmwareRequest*,
                              v1::CancelFirmwareResponse*) override;
  grpc::Status ListFirmware(grpc::ServerContext*, const v1::ListFirmwareRequest*,
                            v1::ListFirmwareResponse*) override;
  grpc::Status PinFirmware(grpc::ServerContext*, const v1::PinFirmwareRequest*,
                           v1::Firmware*) override;
  grpc::Status RemoveFirmware(grpc::ServerContext*, const v1::RemoveFirmwareRequest*,
                              v1::Firmware*) override;
  grpc::Status ClearStore(grpc::ServerContext*, const v1::ClearStoreRequest*,
                          v1::ClearStoreResponse*) override;
  grpc::Status VerifyFirmware(grpc::ServerContext*, const v1::VerifyFirmwareRequest*,
                              grpc::ServerWriter<v1::VerifyFirmwareResponse>*) override;
  grpc::Status ExportFirmware(grpc::ServerContext*, const v1::ExportFirmwareRequest*,
                              grpc::ServerWriter<v1::ExportFirmwareResponse>*) override;
  grpc::Status PlanFirmware(grpc::ServerContext*, const v1::PlanFirmwareRequest*,
                            v1::PlanFirmwareResponse*) override;

 private:
  ApiParts parts_;
  Role role_;
};

class StationService final : public v1::StationInfo::Service {
 public:
  explicit StationService(ApiParts parts) : parts_(parts) {}
  grpc::Status GetStation(grpc::ServerContext*, const v1::GetStationRequest*,
                          v1::Station*) override;

 private:
  ApiParts parts_;
};

}  // namespace station::daemon
