#include "station/ctl/command.h"

#include <ostream>

#include "station/ctl/json.h"

namespace station::ctl {

Answer<Client> Invocation::Connect() const {
  STATION_TRY(socket, FindSocket(place));
  return Client(socket);
}

Answer<ExitCode> PrintJson(Terminal& terminal, const google::protobuf::Message& message) {
  terminal.out << ToJson(message) << std::endl;
  return ExitCode::kOk;
}

}  // namespace station::ctl
