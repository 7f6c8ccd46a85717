#include "station/ctl/failure.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "station/ctl/json.h"
#include "station/ctl/text.h"

namespace station::ctl {
namespace {

struct CodeLine {
  ExitCode code;
  std::string_view line;
};
constexpr std::array kLines = {
    CodeLine{ExitCode::kOk, "all went well"},
    CodeLine{ExitCode::kStation, "a fault in the station itself"},
    CodeLine{ExitCode::kUsage, "the command line is not right"},
    CodeLine{ExitCode::kFirmware, "firmware: missing, damaged, not for this model"},
    CodeLine{ExitCode::kSigning, "signing: server not reached, or it refused"},
    CodeLine{ExitCode::kPhone, "the phone failed"},
    CodeLine{ExitCode::kCable, "cable, port or hub"},
    CodeLine{ExitCode::kOperator, "somebody must do something first"},
    CodeLine{ExitCode::kStopped, "cancelled or stopped"},
    CodeLine{ExitCode::kUnreachable, "the station does not answer"},
};

// From the mildest to the one to look at first.
constexpr std::array kSeverity = {ExitCode::kOk,         ExitCode::kStopped, ExitCode::kOperator,
                                  ExitCode::kFirmware,   ExitCode::kSigning, ExitCode::kCable,
                                  ExitCode::kPhone,      ExitCode::kStation, ExitCode::kUsage,
                                  ExitCode::kUnreachable};

}  // namespace

std::string ExitCodeHelp() {
  std::string text = "Exit codes:\n";
  for (const CodeLine& row : kLines)
    text += fmt::format("  {}  {}\n", static_cast<int>(row.code), row.line);
  return text;
}

ExitCode ExitCodeOf(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kNone:
      return ExitCode::kOk;
    case ErrorClass::kStation:
      return ExitCode::kStation;
    case ErrorClass::kFirmware:
      return ExitCode::kFirmware;
    case ErrorClass::kSigning:
      return ExitCode::kSigning;
    case ErrorClass::kPhone:
      return ExitCode::kPhone;
    case ErrorClass::kCable:
      return ExitCode::kCable;
    case ErrorClass::kOperator:
      return ExitCode::kOperator;
    case ErrorClass::kStopped:
      return ExitCode::kStopped;
  }
  return ExitCode::kStation;
}

ExitCode ExitCodeOf(ErrorCode code) {
  return code == ErrorCode::kBadRequest ? ExitCode::kUsage : ExitCodeOf(Info(code).error_class);
}

ExitCode Worse(ExitCode a, ExitCode b) {
  return std::ranges::find(kSeverity, a) < std::ranges::find(kSeverity, b) ? b : a;
}

std::string RenderFailure(const Failure& failure, bool json) {
  if (!json) {
    std::string text = fmt::format("stationctl: {}\n", Printable(failure.context));
    if (!failure.what_to_do.empty())
      text += fmt::format("what to do: {}\n", Printable(failure.what_to_do));
    return text;
  }
  google::protobuf::Struct error;
  auto& fields = *error.mutable_fields();
  fields["name"].set_string_value(failure.name);
  fields["context"].set_string_value(failure.context);
  fields["what_to_do"].set_string_value(failure.what_to_do);
  fields["exit_code"].set_number_value(static_cast<int>(failure.exit_code));
  google::protobuf::Struct whole;
  *(*whole.mutable_fields())["error"].mutable_struct_value() = error;
  return ToJson(whole) + "\n";
}

}  // namespace station::ctl
