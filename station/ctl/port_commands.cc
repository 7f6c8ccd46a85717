// ports; ports label PORT LABEL; ports learn; port power, reset, service; blame.

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <map>
#include <ostream>

#include "station/ctl/command.h"
#include "station/ctl/port_stream.h"
#include "station/ctl/port_text.h"

namespace station::ctl {
namespace {

Answer<ExitCode> ListPorts(const Invocation& invocation, Terminal& terminal) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(response, client.Call(client.Ports(), &PortsStub::ListPorts, v1::ListPortsRequest()));
  if (invocation.json) return PrintJson(terminal, response);
  std::vector<v1::Port> ports(response.ports().begin(), response.ports().end());
  std::ranges::stable_sort(ports, InOrder);
  terminal.out << RenderPorts(ports, terminal.screen);
  return ExitCode::kOk;
}

Answer<v1::Port> Label(Client& client, const std::string& port, const std::string& label) {
  v1::LabelPortRequest request;
  request.set_request_id(NewRequestId());
  request.set_port(port);
  request.set_label(label);
  return client.Call(client.Ports(), &PortsStub::LabelPort, request);
}

Answer<ExitCode> LabelOne(const Invocation& invocation, Terminal& terminal, const std::string& port,
                          const std::string& label) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(labelled, Label(client, port, label));
  if (invocation.json) return PrintJson(terminal, labelled);
  terminal.out << fmt::format("{} is now {}\n", Printable(port), PortName(labelled));
  return ExitCode::kOk;
}

// Teaches labels: remembers which ports hold a phone, so that the next one to fill is the one
// meant.
class Lesson {
 public:
  Lesson(Client& client, const Invocation& invocation, Terminal& terminal)
      : client_(client), invocation_(invocation), terminal_(terminal), stream_(client) {}

  Answer<ExitCode> Teach() {
    STATION_CHECK(WaitForCurrent());
    terminal_.notes << "One label after the other, as you walk along the hub. Empty line to end.\n";
    while (true) {
      terminal_.notes << "Label of the next port: " << std::flush;
      std::string label;
      if (!std::getline(terminal_.in, label) || label.empty()) return ExitCode::kOk;
      terminal_.notes << fmt::format("Plug a phone into {} now ...\n", Printable(label));
      STATION_TRY(key, WaitForPlug());
      if (key.empty()) return ExitCode::kOk;
      STATION_TRY(port, Label(client_, key, label));
      if (invocation_.json) {
        STATION_CHECK(PrintJson(terminal_, port));
      } else {
        terminal_.out << fmt::format("{} is the port {}\n", PortName(port), Printable(port.key()))
                      << std::flush;
      }
    }
  }

 private:
  // True when this change is a phone that was just plugged in.
  bool Plugged(const v1::Port& port) {
    const bool filled = port.state() != v1::PORT_STATE_EMPTY;
    const bool was_filled = std::exchange(filled_[port.key()], filled);
    return filled && !was_filled;
  }

  Answer<void> WaitForCurrent() {
    while (true) {
      const auto event = stream_.Next(std::chrono::seconds(30));
      if (!event) return Refuse(ExitCode::kUnreachable, "the station does not answer", "");
      if (const auto* changed = std::get_if<PortStream::Changed>(&*event)) Plugged(changed->port);
      if (const auto* lost = std::get_if<PortStream::Lost>(&*event))
        return std::unexpected(lost->failure);
      if (std::holds_alternative<PortStream::Current>(*event)) return {};
    }
  }

  // Its key; empty when asked to end.
  Answer<std::string> WaitForPlug() {
    while (true) {
      const auto event = stream_.Next(std::chrono::hours(1));
      if (!event) continue;
      if (const auto* changed = std::get_if<PortStream::Changed>(&*event))
        if (Plugged(changed->port)) return changed->port.key();
      if (const auto* lost = std::get_if<PortStream::Lost>(&*event))
        return std::unexpected(lost->failure);
      if (std::holds_alternative<PortStream::Stopped>(*event)) return std::string();
    }
  }

  Client& client_;
  const Invocation& invocation_;
  Terminal& terminal_;
  PortStream stream_;
  std::map<std::string, bool> filled_;
};

Answer<ExitCode> Learn(const Invocation& invocation, Terminal& terminal) {
  STATION_TRY(client, invocation.Connect());
  return Lesson(client, invocation, terminal).Teach();
}

// One port as a line, after something was done to it.
Answer<ExitCode> ShowPort(const Invocation& invocation, Terminal& terminal, const v1::Port& port) {
  if (invocation.json) return PrintJson(terminal, port);
  terminal.out << RenderChange(port) << '\n';
  return ExitCode::kOk;
}

Answer<ExitCode> ActOnPort(const Invocation& invocation, Terminal& terminal,
                           const std::string& port, const std::string& act) {
  STATION_TRY(client, invocation.Connect());
  v1::ActOnPortRequest request;
  request.set_request_id(NewRequestId());
  request.set_port(port);
  request.set_act(act);
  request.set_actor(invocation.actor);
  STATION_TRY(changed, client.Call(client.Ports(), &PortsStub::ActOnPort, request));
  return ShowPort(invocation, terminal, changed);
}

Answer<ExitCode> ServicePort(const Invocation& invocation, Terminal& terminal,
                             const std::string& port, const std::string& replaced) {
  STATION_TRY(client, invocation.Connect());
  v1::ServicePortRequest request;
  request.set_request_id(NewRequestId());
  request.set_port(port);
  request.set_replaced(replaced);
  request.set_actor(invocation.actor);
  STATION_TRY(changed, client.Call(client.Ports(), &PortsStub::ServicePort, request));
  return ShowPort(invocation, terminal, changed);
}

Answer<ExitCode> ListBlame(const Invocation& invocation, Terminal& terminal) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(response, client.Call(client.Ports(), &PortsStub::ListBlame, v1::ListBlameRequest()));
  if (invocation.json) return PrintJson(terminal, response);
  terminal.out << RenderBlame({response.blame().begin(), response.blame().end()}, terminal.screen);
  return ExitCode::kOk;
}

// port power A3 off; port reset A3; port service A3 --replaced cable
void AddOnePort(CLI::App& app, Invocation& invocation) {
  struct Words {
    std::string port;
    std::string state;
    std::string replaced;
  };
  const auto words = std::make_shared<Words>();  // outlives this function with the callback
  CLI::App* port = app.add_subcommand("port", "Do something to one port");
  port->require_subcommand(1);
  CLI::App* power = port->add_subcommand("power", "Switch its power, where the hub can");
  power->add_option("port", words->port, "Label, path or key")->required();
  power->add_option("state", words->state, "on, off or cycle")
      ->required()
      ->check(CLI::IsMember({"on", "off", "cycle"}));
  power->callback([&invocation, words] {
    invocation.run = [words](const Invocation& run, Terminal& terminal) {
      return ActOnPort(run, terminal, words->port, "power_" + words->state);
    };
  });
  CLI::App* reset = port->add_subcommand("reset", "Reset what is plugged in there");
  reset->add_option("port", words->port, "Label, path or key")->required();
  reset->callback([&invocation, words] {
    invocation.run = [words](const Invocation& run, Terminal& terminal) {
      return ActOnPort(run, terminal, words->port, "reset");
    };
  });
  CLI::App* service =
      port->add_subcommand("service", "It was put right: failures are counted afresh");
  service->add_option("port", words->port, "Label, path or key")->required();
  service->add_option("--replaced", words->replaced, "What was replaced, for the records: cable");
  service->callback([&invocation, words] {
    invocation.run = [words](const Invocation& run, Terminal& terminal) {
      return ServicePort(run, terminal, words->port, words->replaced);
    };
  });
  app.add_subcommand("blame", "Which port, hub, phone or firmware failures belong to")
      ->callback([&invocation] { invocation.run = ListBlame; });
}

}  // namespace

void AddPortCommands(CLI::App& app, Invocation& invocation) {
  AddOnePort(app, invocation);
  CLI::App* ports = app.add_subcommand("ports", "Every port, what stands there and what to do");
  ports->require_subcommand(0, 1);
  ports->callback([&invocation] {
    if (!invocation.run) invocation.run = ListPorts;
  });

  CLI::App* learn = ports->add_subcommand(
      "learn", "Name the ports one by one: type a label, plug a phone in, next");
  learn->callback([&invocation] { invocation.run = Learn; });

  struct Names {
    std::string port;
    std::string label;
  };
  const auto names = std::make_shared<Names>();  // outlives this function with the callback
  CLI::App* label = ports->add_subcommand("label", "Name one port (\"\" takes the name away)");
  label->add_option("port", names->port, "Its label, path or key now")->required();
  label->add_option("label", names->label, "The new label")->required();
  label->callback([&invocation, names] {
    invocation.run = [names](const Invocation& run, Terminal& terminal) {
      return LabelOne(run, terminal, names->port, names->label);
    };
  });
}

}  // namespace station::ctl
