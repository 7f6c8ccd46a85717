#include "station/ctl/command.h"
namespace station::ctl {
void AddJobCommands(CLI::App&, Invocation&) {}
void AddStationCommands(CLI::App&, Invocation&) {}
}  // namespace station::ctl
