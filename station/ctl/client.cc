#include "station/ctl/client.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>

#include "station/base/ids.h"

namespace station::ctl {
namespace {

constexpr std::string_view kStartIt =
    "Start the station (systemctl start stationd), or name its socket with --socket.";

// Statuses without an ErrorDetail: gRPC's own, or of a server older than this program.
ExitCode ExitCodeOfStatus(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return ExitCode::kOk;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return ExitCode::kUnreachable;
    case grpc::StatusCode::INVALID_ARGUMENT:
      return ExitCode::kUsage;
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return ExitCode::kOperator;
    case grpc::StatusCode::CANCELLED:
      return ExitCode::kStopped;
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::DATA_LOSS:
    case grpc::StatusCode::DO_NOT_USE:
      return ExitCode::kStation;
  }
  return ExitCode::kStation;
}

std::string WhatToDo(grpc::StatusCode code) {
  if (ExitCodeOfStatus(code) == ExitCode::kUnreachable) return std::string(kStartIt);
  if (code == grpc::StatusCode::UNIMPLEMENTED)
    return "Station and stationctl are of different versions: install both from one release.";
  return {};
}

}  // namespace

Answer<std::string> FindSocket(const Place& place) {
  if (!place.socket.empty()) {
    if (access(place.socket.c_str(), F_OK) == 0)
      return std::filesystem::absolute(place.socket).string();
    return Refuse(ExitCode::kUnreachable, fmt::format("no socket at {}", place.socket),
                  std::string(kStartIt));
  }
  const std::filesystem::path folder = std::filesystem::absolute(place.run_dir);
  bool closed = false;
  for (const char* name : {"operator.sock", "viewer.sock"}) {
    const std::string path = folder / name;
    if (access(path.c_str(), W_OK) == 0) return path;
    closed = closed || access(path.c_str(), F_OK) == 0 || errno == EACCES;
  }
  if (closed)
    return Refuse(ExitCode::kOperator,
                  fmt::format("the station's sockets in {} are not open to you", folder.string()),
                  "Ask to be put into the station's group, or use sudo.");
  return Refuse(ExitCode::kUnreachable, fmt::format("no station's socket in {}", folder.string()),
                std::string(kStartIt));
}

Failure FailureFrom(const grpc::Status& status) {
  v1::ErrorDetail detail;
  if (!status.error_details().empty() && detail.ParseFromString(status.error_details()) &&
      detail.code() != v1::ERROR_CODE_NONE) {
    const auto known = ErrorCodeFromNumber(static_cast<std::uint32_t>(detail.code()));
    const std::string context =
        detail.context().empty() ? status.error_message() : detail.context();
    return Failure{known ? ExitCodeOf(*known) : ExitCodeOfStatus(status.error_code()),
                   context.empty() ? detail.name() : context, detail.operator_line(),
                   detail.name()};
  }
  return Failure{
      ExitCodeOfStatus(status.error_code()),
      status.error_message().empty() ? "the station gave no reason" : status.error_message(),
      WhatToDo(status.error_code()),
      {}};
}

std::string NewRequestId() {
  std::array<std::uint8_t, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  return ToHex(bytes);
}

Client::Client(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel_ =
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
  ports_ = v1::Ports::NewStub(channel_);
  jobs_ = v1::Jobs::NewStub(channel_);
  firmware_store_ = v1::FirmwareStore::NewStub(channel_);
  station_info_ = v1::StationInfo::NewStub(channel_);
}

}  // namespace station::ctl
