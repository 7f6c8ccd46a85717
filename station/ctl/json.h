#pragma once
// Messages as JSON: the field names of proto/station/v1, every field written, one line.

#include <google/protobuf/message.h>

#include <string>

namespace station::ctl {

[[nodiscard]] std::string ToJson(const google::protobuf::Message& message);

}  // namespace station::ctl
