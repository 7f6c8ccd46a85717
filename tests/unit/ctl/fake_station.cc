#include "tests/unit/ctl/fake_station.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace station::ctl {

grpc::Status Refusal(ErrorCode code, const std::string& context) {
  v1::ErrorDetail detail;
  detail.set_code(static_cast<v1::ErrorCode>(code));
  detail.set_name(std::string(Name(code)));
  detail.set_operator_line(std::string(OperatorLine(code)));
  detail.set_context(context);
  return {grpc::StatusCode::FAILED_PRECONDITION, context, detail.SerializeAsString()};
}

v1::Port MakePort(const std::string& label, v1::PortState state, const std::string& product_name) {
  v1::Port port;
  port.set_key("pci0000:00/0000:00:14.0:" + label);
  port.set_label(label);
  port.set_path("1-" + label.substr(1));
  port.set_state(state);
  if (state == v1::PORT_STATE_EMPTY) return port;
  port.mutable_phone()->set_ecid("0x00000000000000" + (label + "00").substr(0, 2));
  port.mutable_phone()->set_product_name(product_name);
  port.mutable_phone()->set_product("iPhone10,1");
  port.mutable_phone()->set_os_version("14.8");
  port.mutable_phone()->set_os_build("18H17");
  port.mutable_phone()->set_mode(v1::PHONE_MODE_NORMAL);
  return port;
}

v1::Port Working(v1::Port port, v1::Step step, double fraction, std::uint64_t bytes_done,
                 std::uint64_t bytes_total) {
  port.set_state(v1::PORT_STATE_WORKING);
  port.mutable_phone()->set_mode(v1::PHONE_MODE_RESTORE);
  port.mutable_progress()->set_step(step);
  port.mutable_progress()->set_fraction(fraction);
  port.mutable_progress()->set_bytes_done(bytes_done);
  port.mutable_progress()->set_bytes_total(bytes_total);
  if (bytes_total > 0) port.mutable_progress()->set_bytes_per_second(180e6);
  port.mutable_progress()->mutable_eta()->set_seconds(200);
  return port;
}

v1::Port Failed(v1::Port port, ErrorCode code) {
  port.set_state(v1::PORT_STATE_FAILED);
  port.set_error_code(static_cast<v1::ErrorCode>(code));
  port.set_what_to_do(std::string(OperatorLine(code)));
  return port;
}

class FakeStation::Ports final : public v1::Ports::Service {
 public:
  explicit Ports(FakeStation& fake) : fake_(fake) {}

  grpc::Status ListPorts(grpc::ServerContext*, const v1::ListPortsRequest*,
                         v1::ListPortsResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    response->mutable_ports()->Add(fake_.script_.ports.begin(), fake_.script_.ports.end());
    return grpc::Status::OK;
  }

  grpc::Status GetPort(grpc::ServerContext*, const v1::GetPortRequest* request,
                       v1::Port* response) override {
    const std::lock_guard lock(fake_.mutex_);
    for (const v1::Port& port : fake_.script_.ports) {
      if (port.label() != request->port() && port.key() != request->port()) continue;
      *response = port;
      return grpc::Status::OK;
    }
    return Refusal(ErrorCode::kNotFound, "no port " + request->port());
  }

  grpc::Status WatchPorts(grpc::ServerContext* context, const v1::WatchPortsRequest*,
                          grpc::ServerWriter<v1::WatchPortsResponse>* writer) override {
    Script script;
    int watch = 0;
    {
      const std::lock_guard lock(fake_.mutex_);
      script = fake_.script_;
      watch = ++fake_.watches_;
    }
    std::ranges::for_each(script.ports, [&](const v1::Port& port) { Send(*writer, port); });
    v1::WatchPortsResponse complete;
    complete.set_initial_state_complete(true);
    writer->Write(complete);
    std::ranges::for_each(script.changes, [&](const v1::Port& port) { Send(*writer, port); });
    if (script.end_watch_once && watch == 1) return {grpc::StatusCode::UNAVAILABLE, "going down"};
    return StayUntilStopped(*context, *writer);
  }

  grpc::Status LabelPort(grpc::ServerContext*, const v1::LabelPortRequest* request,
                         v1::Port* response) override {
    const std::lock_guard lock(fake_.mutex_);
    if (!fake_.script_.refusal.ok()) return fake_.script_.refusal;
    fake_.script_.labels.push_back(*request);
    response->set_key(request->port());
    response->set_label(request->label());
    return grpc::Status::OK;
  }

 private:
  static void Send(grpc::ServerWriter<v1::WatchPortsResponse>& writer, const v1::Port& port) {
    v1::WatchPortsResponse response;
    *response.mutable_port() = port;
    writer.Write(response);
  }

  grpc::Status StayUntilStopped(grpc::ServerContext& context,
                                grpc::ServerWriter<v1::WatchPortsResponse>& writer) {
    std::size_t labels_seen = 0;
    while (!context.IsCancelled()) {
      std::vector<v1::Port> more;
      {
        const std::lock_guard lock(fake_.mutex_);
        if (fake_.stopping_) return {grpc::StatusCode::UNAVAILABLE, "going down"};
        if (fake_.script_.labels.size() > labels_seen) {
          labels_seen = fake_.script_.labels.size();
          more = fake_.script_.changes_after_label;
        }
      }
      for (const v1::Port& port : more) Send(writer, port);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return grpc::Status::CANCELLED;
  }

  FakeStation& fake_;
};

class FakeStation::Jobs final : public v1::Jobs::Service {
 public:
  explicit Jobs(FakeStation& fake) : fake_(fake) {}

  grpc::Status PlanArm(grpc::ServerContext*, const v1::ArmRequest*,
                       v1::PlanArmResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    *response = fake_.script_.plan;
    return grpc::Status::OK;
  }
  grpc::Status Arm(grpc::ServerContext*, const v1::ArmRequest* request,
                   v1::ArmResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    Script& script = fake_.script_;
    if (!script.refusal.ok()) return script.refusal;
    script.armed.push_back(*request);
    response->mutable_arming()->set_id(12);
    response->mutable_arming()->set_count(request->ports_size());
    response->mutable_arming()->mutable_countdown()->set_seconds(10);
    *response->mutable_targets() = script.plan.targets();
    for (const v1::ArmTarget& target : script.armed_targets) *response->add_targets() = target;
    return grpc::Status::OK;
  }
  grpc::Status Disarm(grpc::ServerContext*, const v1::DisarmRequest* request,
                      v1::DisarmResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    fake_.script_.disarmed.push_back(*request);
    response->set_disarmed(1);
    return grpc::Status::OK;
  }
  grpc::Status ListArmings(grpc::ServerContext*, const v1::ListArmingsRequest*,
                           v1::ListArmingsResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*,
                        v1::ListJobsResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    response->mutable_jobs()->Add(fake_.script_.jobs.begin(), fake_.script_.jobs.end());
    return grpc::Status::OK;
  }
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                      v1::Job* response) override {
    const std::lock_guard lock(fake_.mutex_);
    for (const v1::Job& job : fake_.script_.jobs) {
      if (job.id() != request->id()) continue;
      *response = job;
      return grpc::Status::OK;
    }
    return Refusal(ErrorCode::kNotFound, "no job " + std::to_string(request->id()));
  }
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                         v1::Job* response) override {
    return Act(fake_.script_.cancelled, *request, *response, v1::OUTCOME_CANCELLED);
  }
  grpc::Status RetryJob(grpc::ServerContext*, const v1::RetryJobRequest* request,
                        v1::Job* response) override {
    return Act(fake_.script_.retried, *request, *response, v1::OUTCOME_NONE);
  }
  grpc::Status EmergencyStop(grpc::ServerContext*, const v1::EmergencyStopRequest* request,
                             v1::EmergencyStopResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    fake_.script_.stops.push_back(*request);
    response->set_engaged(request->engaged());
    return grpc::Status::OK;
  }

 private:
  template <typename Request>
  grpc::Status Act(std::vector<Request>& told, const Request& request, v1::Job& job,
                   v1::Outcome outcome) {
    const std::lock_guard lock(fake_.mutex_);
    if (!fake_.script_.refusal.ok()) return fake_.script_.refusal;
    told.push_back(request);
    job.set_id(request.id() == 0 ? 17 : request.id());
    job.set_port_label(request.port().empty() ? "A1" : request.port());
    job.set_outcome(outcome);
    return grpc::Status::OK;
  }

  FakeStation& fake_;
};

class FakeStation::Store final : public v1::FirmwareStore::Service {
 public:
  explicit Store(FakeStation& fake) : fake_(fake) {}

  grpc::Status AddFirmware(grpc::ServerContext*, const v1::AddFirmwareRequest* request,
                           grpc::ServerWriter<v1::AddFirmwareResponse>* writer) override {
    const std::lock_guard lock(fake_.mutex_);
    fake_.script_.imports.push_back(*request);
    for (const v1::AddFirmwareResponse& response : fake_.script_.import) writer->Write(response);
    return fake_.script_.refusal;
  }
  grpc::Status ListFirmware(grpc::ServerContext*, const v1::ListFirmwareRequest*,
                            v1::ListFirmwareResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    response->mutable_firmware()->Add(fake_.script_.firmware.begin(), fake_.script_.firmware.end());
    return grpc::Status::OK;
  }

 private:
  FakeStation& fake_;
};

class FakeStation::Info final : public v1::StationInfo::Service {
 public:
  explicit Info(FakeStation& fake) : fake_(fake) {}

  grpc::Status GetStation(grpc::ServerContext*, const v1::GetStationRequest*,
                          v1::Station* response) override {
    const std::lock_guard lock(fake_.mutex_);
    *response = fake_.script_.station;
    return grpc::Status::OK;
  }

 private:
  FakeStation& fake_;
};

FakeStation::FakeStation(Script script)
    : script_(std::move(script)),
      ports_(std::make_unique<Ports>(*this)),
      jobs_(std::make_unique<Jobs>(*this)),
      store_(std::make_unique<Store>(*this)),
      info_(std::make_unique<Info>(*this)) {
  std::string pattern = "/tmp/stationctl-test-XXXXXX";
  folder_ = mkdtemp(pattern.data());
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + Socket(), grpc::InsecureServerCredentials());
  builder.RegisterService(ports_.get());
  builder.RegisterService(jobs_.get());
  builder.RegisterService(store_.get());
  builder.RegisterService(info_.get());
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr);
}

FakeStation::~FakeStation() {
  Stop();
  std::filesystem::remove_all(folder_);
}

void FakeStation::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  server_.reset();
}

}  // namespace station::ctl
