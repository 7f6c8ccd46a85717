#pragma once
// Errors as gRPC says them, and what each socket's role may do.

#include <grpcpp/support/status.h>

#include <string>

#include "station/base/result.h"

namespace station::daemon {

enum class Role { kViewer, kOperator, kAdmin };
[[nodiscard]] std::string_view Name(Role role);

// The status' details are a serialized station.v1.ErrorDetail.
[[nodiscard]] grpc::Status ToGrpc(const Error& error);
[[nodiscard]] inline grpc::Status ToGrpc(const Status& status) {
  return status ? grpc::Status::OK : ToGrpc(status.error());
}

// kPermissionDenied when the socket's role is less.
[[nodiscard]] Status Require(Role have, Role need);
// The asserted name, or the role's when none is given. kBadRequest when it is no printable text of
// up to 64 bytes.
[[nodiscard]] Result<std::string> ActorOf(const std::string& asserted, Role role);

}  // namespace station::daemon
