#include "station/daemon/api/answers.h"

#include <algorithm>

#include "station/v1/station.pb.h"

namespace station::daemon {
namespace {

grpc::StatusCode CodeOfClass(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kNone:
      return grpc::StatusCode::OK;
    case ErrorClass::kStation:
      return grpc::StatusCode::INTERNAL;
    case ErrorClass::kFirmware:
    case ErrorClass::kSigning:
    case ErrorClass::kPhone:
    case ErrorClass::kCable:
    case ErrorClass::kOperator:
    case ErrorClass::kStopped:
      return grpc::StatusCode::FAILED_PRECONDITION;
  }
  return grpc::StatusCode::UNKNOWN;
}

struct CodeRow {
  ErrorCode code;
  grpc::StatusCode grpc;
};
constexpr CodeRow kCodes[] = {
    {ErrorCode::kBadRequest, grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::kNotFound, grpc::StatusCode::NOT_FOUND},
    {ErrorCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
    {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED},
    {ErrorCode::kDiskFull, grpc::StatusCode::RESOURCE_EXHAUSTED},
};

}  // namespace

std::string_view Name(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return "unknown";
}

grpc::Status ToGrpc(const Error& error) {
  v1::ErrorDetail detail;
  detail.set_code(static_cast<v1::ErrorCode>(error.code));
  detail.set_name(std::string(Name(error.code)));
  detail.set_operator_line(std::string(OperatorLine(error.code)));
  detail.set_context(error.context);
  const auto* row = std::ranges::find(kCodes, error.code, &CodeRow::code);
  const grpc::StatusCode code =
      row != std::end(kCodes) ? row->grpc : CodeOfClass(Info(error.code).error_class);
  return {code, std::string(Name(error.code)) + ": " + error.context, detail.SerializeAsString()};
}

Status Require(Role have, Role need) {
  if (have >= need) return {};
  return Fail(ErrorCode::kPermissionDenied, "this needs the " + std::string(Name(need)) +
                                                " socket, not the " + std::string(Name(have)) +
                                                "'s");
}

Result<std::string> ActorOf(const std::string& asserted, Role role) {
  if (asserted.empty()) return std::string(Name(role));
  const bool plain =
      std::ranges::none_of(asserted, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (!plain || asserted.size() > 64)
    return Fail(ErrorCode::kBadRequest, "an actor is up to 64 printable characters");
  return asserted;
}

}  // namespace station::daemon
