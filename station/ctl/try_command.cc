// try: a dry run for the phone on one port.

#include <fmt/format.h>

#include <chrono>
#include <ostream>
#include <sstream>
#include <thread>

#include "station/base/enums.h"
#include "station/ctl/command.h"
#include "station/ctl/job_text.h"

namespace station::ctl {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 5min;  // it reads for seconds; a full cart may make it wait for a slot
constexpr auto kLookAgain = 200ms;

struct TryOptions {
  std::string port;
  std::string firmware;
  std::string action = "erase";
  bool ask_ticket = false;
};

Answer<v1::Job> AwaitEnd(Client& client, std::int64_t id) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    v1::GetJobRequest request;
    request.set_id(id);
    STATION_TRY(job, client.Call(client.Jobs(), &JobsStub::GetJob, request));
    if (job.has_ended_at()) return job;
    if (std::chrono::steady_clock::now() > deadline)
      return Refuse(ExitCode::kStation, "the dry run does not come to its end",
                    fmt::format("See stationctl job show {}.", id));
    std::this_thread::sleep_for(kLookAgain);
  }
}

std::string RenderReport(const v1::Job& job) {
  std::string text;
  std::istringstream lines(job.context());
  for (std::string line; std::getline(lines, line);) text += Printable(line) + "\n";
  return text;
}

Answer<ExitCode> Try(const Invocation& invocation, Terminal& terminal, const TryOptions& options) {
  STATION_TRY(client, invocation.Connect());
  v1::TryRequest request;
  request.set_request_id(NewRequestId());
  request.set_port(options.port);
  request.set_action(options.action == "update" ? v1::ACTION_UPDATE : v1::ACTION_ERASE);
  request.set_firmware(options.firmware);
  request.set_ask_ticket(options.ask_ticket);
  request.set_actor(invocation.actor);
  STATION_TRY(begun, client.Call(client.Jobs(), &JobsStub::Try, request));
  STATION_TRY(job, AwaitEnd(client, begun.id()));
  if (invocation.json) {
    STATION_CHECK(PrintJson(terminal, job));
  } else {
    terminal.out << (job.error_code() == v1::ERROR_CODE_NONE ? RenderReport(job)
                                                             : RenderJob(job, terminal.screen));
  }
  const auto code = ErrorCodeFromNumber(static_cast<std::uint32_t>(job.error_code()));
  return code ? ExitCodeOf(*code) : ExitCode::kStation;
}

}  // namespace

void AddTryCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<TryOptions>();  // outlives this function with the callback
  CLI::App* command = app.add_subcommand(
      "try", "What a restore would do to the phone on a port; nothing is written");
  command->add_option("port", options->port, "The port")->required();
  command->add_option("--firmware", options->firmware,
                      "The beginning of its sha256 (default: the newest for the phone)");
  command->add_option("--action", options->action, "erase or update")
      ->check(CLI::IsMember({"erase", "update"}))
      ->capture_default_str();
  command->add_flag("--sign", options->ask_ticket, "Ask the signing server for a ticket as well");
  command->callback([&invocation, options] {
    invocation.run = [options](const Invocation& run, Terminal& terminal) {
      return Try(run, terminal, *options);
    };
  });
}

}  // namespace station::ctl
