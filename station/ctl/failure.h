#pragma once
// How a command ends when it does not succeed: one exit code per class of remedy, and the lines for
// the operator.

#include <expected>
#include <string>
#include <string_view>

#include "station/base/error_code.h"
#include "station/base/result.h"

namespace station::ctl {

enum class ExitCode : int {
  kOk = 0,
  kStation = 1,
  kUsage = 2,
  kFirmware = 3,
  kSigning = 4,
  kPhone = 5,
  kCable = 6,
  kOperator = 7,
  kStopped = 8,
  kUnreachable = 9,
};

// For --help: the codes, one line each.
[[nodiscard]] std::string ExitCodeHelp();
[[nodiscard]] ExitCode ExitCodeOf(ErrorClass error_class);
// A request the daemon calls bad is the caller's usage.
[[nodiscard]] ExitCode ExitCodeOf(ErrorCode code);
// Of several ports: what calls for the most attention.
[[nodiscard]] ExitCode Worse(ExitCode a, ExitCode b);

struct Failure {
  ExitCode exit_code = ExitCode::kStation;
  std::string context;     // what went wrong
  std::string what_to_do;  // may be empty
  std::string name;        // of the error code; empty when the daemon gave none
};

template <typename T>
using Answer = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> Refuse(ExitCode exit_code, std::string context,
                                                     std::string what_to_do) {
  return std::unexpected(Failure{exit_code, std::move(context), std::move(what_to_do), {}});
}

// "stationctl: CONTEXT\nwhat to do: LINE\n", or one JSON object {"error": {...}}.
[[nodiscard]] std::string RenderFailure(const Failure& failure, bool json);

}  // namespace station::ctl
