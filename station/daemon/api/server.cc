#include "station/daemon/api/server.h"

#include <grp.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "station/base/fd.h"

namespace station::daemon {

struct ApiServer::Socket {
  Socket(const ApiParts& parts, const SocketSettings& its)
      : settings(its),
        ports(parts, its.role),
        jobs(parts, its.role),
        firmware(parts, its.role),
        station(parts) {}
  SocketSettings settings;
  PortsService ports;
  JobsService jobs;
  FirmwareService firmware;
  StationService station;
  std::unique_ptr<grpc::Server> server;
};

namespace {

Status Protect(const SocketSettings& settings) {
  if (!settings.group.empty()) {
    const ::group* group = ::getgrnam(settings.group.c_str());
    if (group == nullptr)
      return Fail(ErrorCode::kConfigInvalid, "no group is called " + settings.group);
    if (::chown(settings.path.c_str(), static_cast<uid_t>(-1), group->gr_gid) != 0)
      return FailErrno("giving " + settings.path.string() + " to group " + settings.group, errno);
  }
  if (::chmod(settings.path.c_str(), 0660) != 0)
    return FailErrno("protecting " + settings.path.string(), errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::Start(const ApiParts& parts,
                                                    const std::vector<SocketSettings>& sockets) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<ApiServer> api(new ApiServer());
  for (const SocketSettings& settings : sockets) {
    if (settings.path.string().size() > 107)
      return Fail(ErrorCode::kConfigInvalid,
                  "socket path is longer than 107 characters: " + settings.path.string());
    ::unlink(settings.path.c_str());
    auto socket = std::make_unique<Socket>(parts, settings);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + settings.path.string(), grpc::InsecureServerCredentials());
    builder.RegisterService(&socket->ports);
    builder.RegisterService(&socket->jobs);
    builder.RegisterService(&socket->firmware);
    builder.RegisterService(&socket->station);
    socket->server = builder.BuildAndStart();
    if (!socket->server) return Fail(ErrorCode::kIo, "cannot listen on " + settings.path.string());
    STATION_CHECK(Protect(settings));
    api->sockets_.push_back(std::move(socket));
  }
  return api;
}

ApiServer::~ApiServer() { Stop(); }

void ApiServer::Stop() {
  constexpr auto kMoment = std::chrono::seconds(2);
  for (const auto& socket : sockets_) {
    if (!socket->server) continue;
    socket->server->GetHealthCheckService()->SetServingStatus(false);
    socket->server->Shutdown(std::chrono::system_clock::now() + kMoment);
    socket->server.reset();
    ::unlink(socket->settings.path.c_str());
  }
}

}  // namespace station::daemon
