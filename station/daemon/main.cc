// stationd: decides and reports. See README.md.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "config/config.h"
#include "station/base/log.h"
#include "station/daemon/daemon.h"
#include "station/daemon/notify.h"

namespace {

int Complain(const station::Error& error) {
  std::fprintf(stderr, "stationd: %s\n  %s\n", error.context.c_str(),
               std::string(OperatorLine(error.code)).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "The re-imaging station's daemon: watches ports, runs one worker per phone, serves the API "
      "and metrics."};
  std::string config_file = "/etc/station/station.yaml";
  bool check_only = false;
  app.add_option("--config", config_file, "Configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only,
               "Read the configuration, say what is wrong with it, and end");
  app.set_version_flag("--version", "stationd " STATION_VERSION);
  CLI11_PARSE(app, argc, argv);

  const auto config = station::config::Load(config_file);
  if (!config) return Complain(config.error());
  if (check_only) {
    std::printf("%s: in order\n", config_file.c_str());
    return 0;
  }
  station::StartLogging("stationd");
  auto daemon = station::daemon::Daemon::Start(*config, STATION_VERSION);
  if (!daemon) {
    LogError(station::LogLevel::kError, "cannot start", daemon.error());
    return Complain(daemon.error());
  }
  (*daemon)->Run([] {
    std::puts("ready");
    std::fflush(stdout);
    station::daemon::NotifyServiceManager("READY=1");
  });
  station::Log(station::LogLevel::kInfo, "stopped");
  return 0;
}
