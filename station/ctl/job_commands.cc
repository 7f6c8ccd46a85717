// jobs, job show, cancel, retry, stop, drain.

#include <fmt/format.h>

#include <charconv>
#include <ostream>

#include "station/ctl/command.h"
#include "station/ctl/job_text.h"

namespace station::ctl {
namespace {

struct ListOptions {
  std::string port;
  bool running = false;
  bool identify = false;
  int limit = 30;
};

Answer<ExitCode> ListJobs(const Invocation& invocation, Terminal& terminal,
                          const ListOptions& options) {
  STATION_TRY(client, invocation.Connect());
  v1::ListJobsRequest request;
  request.set_page_size(options.limit);
  request.set_port(options.port);
  request.set_running_only(options.running);
  request.set_include_identify(options.identify);
  STATION_TRY(response, client.Call(client.Jobs(), &JobsStub::ListJobs, request));
  if (invocation.json) return PrintJson(terminal, response);
  terminal.out << RenderJobs({response.jobs().begin(), response.jobs().end()}, terminal.screen);
  if (!response.next_page_token().empty())
    terminal.out << fmt::format("... and older ones: stationctl jobs --limit {}\n",
                                options.limit * 10);
  return ExitCode::kOk;
}

Answer<ExitCode> ShowJob(const Invocation& invocation, Terminal& terminal, std::int64_t id) {
  STATION_TRY(client, invocation.Connect());
  v1::GetJobRequest request;
  request.set_id(id);
  STATION_TRY(job, client.Call(client.Jobs(), &JobsStub::GetJob, request));
  if (invocation.json) return PrintJson(terminal, job);
  terminal.out << RenderJob(job, terminal.screen);
  return ExitCode::kOk;
}

struct Target {
  std::int64_t job = 0;
  std::string port;
};

// "A1 A2" are ports, "job 17 18" are jobs.
Answer<std::vector<Target>> Targets(const std::vector<std::string>& words) {
  std::vector<Target> targets;
  const bool jobs = words.front() == "job";
  if (jobs && words.size() == 1) return Refuse(ExitCode::kUsage, "say which job", "job 17");
  for (const std::string& word : std::span(words).subspan(jobs ? 1 : 0)) {
    Target target;
    if (jobs) {
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), target.job);
      if (error != std::errc{} || end != word.data() + word.size() || target.job <= 0)
        return Refuse(ExitCode::kUsage, fmt::format("{} is not a job's number", word),
                      "See stationctl jobs.");
    } else {
      target.port = word;
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

// Cancel or retry, one after the other; the first refusal ends it.
template <typename Request>
Answer<ExitCode> Act(const Invocation& invocation, Terminal& terminal,
                     const std::vector<std::string>& words,
                     grpc::Status (JobsStub::*method)(grpc::ClientContext*, const Request&,
                                                      v1::Job*)) {
  STATION_TRY(targets, Targets(words));
  STATION_TRY(client, invocation.Connect());
  for (const Target& target : targets) {
    Request request;
    request.set_request_id(NewRequestId());
    request.set_id(target.job);
    request.set_port(target.port);
    request.set_actor(invocation.actor);
    STATION_TRY(job, client.Call(client.Jobs(), method, request));
    if (invocation.json) {
      STATION_CHECK(PrintJson(terminal, job));
    } else {
      terminal.out << RenderJobLine(job) << std::flush;
    }
  }
  return ExitCode::kOk;
}

Answer<ExitCode> Stop(const Invocation& invocation, Terminal& terminal, bool release) {
  STATION_TRY(client, invocation.Connect());
  v1::EmergencyStopRequest request;
  request.set_request_id(NewRequestId());
  request.set_engaged(!release);
  request.set_actor(invocation.actor);
  STATION_TRY(response, client.Call(client.Jobs(), &JobsStub::EmergencyStop, request));
  if (invocation.json) return PrintJson(terminal, response);
  terminal.out << (response.engaged()
                       ? "STOPPED: nothing further is wiped. Phones in the middle of a "
                         "write finish it.\nTo go on: stationctl stop --release\n"
                       : "Released: work goes on.\n");
  return ExitCode::kOk;
}

Answer<ExitCode> Drain(const Invocation& invocation, Terminal& terminal, v1::Drain drain) {
  STATION_TRY(client, invocation.Connect());
  v1::DrainRequest request;
  request.set_request_id(NewRequestId());
  request.set_drain(drain);
  request.set_actor(invocation.actor);
  STATION_TRY(response, client.Call(client.Jobs(), &JobsStub::Drain, request));
  if (invocation.json) return PrintJson(terminal, response);
  if (response.drain() == v1::DRAIN_OFF)
    terminal.out << "New work begins again.\n";
  else
    terminal.out << fmt::format(
        "Drained: nothing new begins{}, {} still at work.\n"
        "To go on: stationctl drain --off\n",
        response.drain() == v1::DRAIN_UPS ? " or is written" : "", response.working());
  return ExitCode::kOk;
}

void AddLists(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ListOptions>();  // outlives this function with the callback
  CLI::App* jobs = app.add_subcommand("jobs", "The last jobs, newest first");
  jobs->add_option("--port", options->port, "Only of this port");
  jobs->add_flag("--running", options->running, "Only those that still run");
  jobs->add_flag("--identify", options->identify, "Also those that only asked a phone who it is");
  jobs->add_option("--limit", options->limit, "How many (default 30)")
      ->check(CLI::Range(1, 100000));
  jobs->callback([&invocation, options] {
    invocation.run = [options](const Invocation& run, Terminal& terminal) {
      return ListJobs(run, terminal, *options);
    };
  });

  const auto id = std::make_shared<std::int64_t>(0);
  CLI::App* job = app.add_subcommand("job", "One job");
  job->require_subcommand(1);
  CLI::App* show = job->add_subcommand("show", "Everything about it");
  show->add_option("id", *id, "Its number")->required()->check(CLI::PositiveNumber);
  show->callback([&invocation, id] {
    invocation.run = [id](const Invocation& run, Terminal& terminal) {
      return ShowJob(run, terminal, *id);
    };
  });
}

template <typename Request>
void AddAct(CLI::App& app, Invocation& invocation, const char* name, const char* what,
            grpc::Status (JobsStub::*method)(grpc::ClientContext*, const Request&, v1::Job*)) {
  const auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* act = app.add_subcommand(name, what);
  act->add_option("what", *words, "Ports (A1 A2), or: job NUMBER")->required();
  act->callback([&invocation, words, method] {
    invocation.run = [words, method](const Invocation& run, Terminal& terminal) {
      return Act(run, terminal, *words, method);
    };
  });
}

}  // namespace

void AddJobCommands(CLI::App& app, Invocation& invocation) {
  AddLists(app, invocation);
  AddAct(app, invocation, "cancel", "Stop a port's job as soon as that leaves a sound phone",
         &JobsStub::CancelJob);
  AddAct(app, invocation, "retry", "Do a port's last job again", &JobsStub::RetryJob);

  struct DrainOptions {
    bool off = false;
    bool ups = false;
  };
  const auto draining = std::make_shared<DrainOptions>();
  CLI::App* drain = app.add_subcommand("drain", "Nothing new begins; what began is finished");
  CLI::Option* off = drain->add_flag("--off", draining->off, "New work begins again");
  drain
      ->add_flag("--ups", draining->ups,
                 "The power will fail: no further step that writes, no further attempt either")
      ->excludes(off);
  drain->callback([&invocation, draining] {
    const v1::Drain wanted = draining->off   ? v1::DRAIN_OFF
                             : draining->ups ? v1::DRAIN_UPS
                                             : v1::DRAIN_ON;
    invocation.run = [wanted](const Invocation& run, Terminal& terminal) {
      return Drain(run, terminal, wanted);
    };
  });

  const auto release = std::make_shared<bool>(false);
  CLI::App* stop = app.add_subcommand("stop", "EMERGENCY STOP: nothing further is wiped, anywhere");
  stop->add_flag("--release", *release, "Go on again");
  stop->callback([&invocation, release] {
    invocation.run = [release](const Invocation& run, Terminal& terminal) {
      return Stop(run, terminal, *release);
    };
  });
}

}  // namespace station::ctl
