#include "station/ctl/port_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "station/base/enums.h"

namespace station::ctl {
namespace {

PortState StateOf(const v1::Port& port) { return static_cast<PortState>(port.state()); }
Step StepOf(const v1::Port& port) { return static_cast<Step>(port.progress().step()); }

Color ColorOf(PortState state) {
  switch (state) {
    case PortState::kEmpty:
      return Color::kDim;
    case PortState::kIdentifying:
    case PortState::kIdle:
      return Color::kNone;
    case PortState::kArmed:
    case PortState::kHeld:
    case PortState::kCancelling:
      return Color::kWarn;
    case PortState::kQueued:
    case PortState::kWorking:
      return Color::kBusy;
    case PortState::kDone:
      return Color::kGood;
    case PortState::kFailed:
      return Color::kBad;
  }
  return Color::kNone;
}

bool Moves(const v1::Port& port) {
  return StateOf(port) == PortState::kWorking || StateOf(port) == PortState::kCancelling;
}

std::string StepText(const v1::Port& port) {
  return Moves(port) && StepOf(port) != Step::kNone ? Words(Name(StepOf(port))) : "";
}

std::string StateText(const v1::Port& port) { return Words(Name(StateOf(port))); }

std::string BytesOf(const v1::Port& port) {
  const v1::Progress& progress = port.progress();
  return Moves(port) && progress.bytes_total() > 0
             ? BytesText(progress.bytes_done(), progress.bytes_total())
             : "";
}

std::string EtaOf(const v1::Port& port) {
  return Moves(port) && port.progress().has_eta()
             ? TimeText(std::chrono::seconds(port.progress().eta().seconds()))
             : "";
}

std::string NoteOf(const v1::Port& port) {
  std::string note = port.what_to_do();
  if (port.quarantined()) {
    if (note.empty()) note = OperatorLine(ErrorCode::kPortQuarantined);
    note += " (" + port.blame() + ")";
  }
  if (Moves(port) && !port.rung().empty() && port.rung() != "again")
    note += fmt::format("{}after {}", note.empty() ? "" : " ", Words(port.rung()));
  if (!port.has_hands()) return Printable(note);
  note += fmt::format(" Try {} of {}, until {}:", port.hands().attempt(), port.hands().of(),
                      ClockText(port.hands().until().seconds()));
  int number = 0;
  for (const std::string& step : port.hands().steps())
    note += fmt::format(" {}. {}", ++number, step);
  return Printable(note);
}

// What a port without a running step says about itself in the place of the step.
Cell DoingCell(const v1::Port& port) {
  const std::string step = StepText(port);
  if (StateOf(port) == PortState::kWorking && !step.empty()) return {step, Color::kBusy};
  return {StateText(port), ColorOf(StateOf(port))};
}

Row WatchRow(const v1::Port& port, bool wide) {
  const double fraction = port.progress().fraction();
  const bool moves = Moves(port);
  const bool done = StateOf(port) == PortState::kDone;
  Row row;
  row.cells = {{PortName(port)},
               {ProductName(port.phone())},
               wide ? Cell{StepText(port), Color::kBusy} : DoingCell(port),
               {moves || done ? BarText(done ? 1.0 : fraction, wide ? 22 : 8) : "",
                done ? Color::kGood : Color::kBusy},
               {moves  ? PercentText(fraction)
                : done ? "100%"
                       : ""},
               {BytesOf(port)},
               {moves ? SpeedText(port.progress().bytes_per_second()) : ""},
               {EtaOf(port)}};
  if (wide) row.cells.push_back({StateText(port), ColorOf(StateOf(port))});
  row.note = NoteOf(port);
  return row;
}

std::string Summary(const std::vector<v1::Port>& ports) {
  std::string text;
  for (const PortState state : kAllPortStates) {
    const auto count = std::ranges::count(ports, state, StateOf);
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, Words(Name(state)));
  }
  return text.empty() ? "no ports yet: plug a phone in" : text;
}

bool Simulated(const std::vector<v1::Port>& ports) {
  return std::ranges::any_of(ports, [](const v1::Port& port) { return port.simulated(); });
}

// "A10" as {"A", 10}: numbers compare as numbers.
bool NaturalLess(std::string_view a, std::string_view b) {
  const auto digit = [](std::string_view text) {
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front()));
  };
  while (!a.empty() && !b.empty()) {
    if (digit(a) && digit(b)) {
      const auto take = [](std::string_view& text) {
        text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
        const std::string_view number =
            text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
        text.remove_prefix(number.size());
        return number;
      };
      const std::string_view left = take(a);
      const std::string_view right = take(b);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

}  // namespace

std::string PortName(const v1::Port& port) {
  if (!port.label().empty()) return Printable(port.label());
  return Printable(port.path().empty() ? port.key() : port.path());
}

std::string ProductName(const v1::Phone& phone) {
  if (!phone.product_name().empty()) return Printable(phone.product_name());
  return phone.product().empty() ? "" : Printable(phone.product());
}

std::string OsText(const v1::Phone& phone) {
  if (phone.os_version().empty()) return Printable(phone.os_build());
  if (phone.os_build().empty()) return Printable(phone.os_version());
  return Printable(fmt::format("{} ({})", phone.os_version(), phone.os_build()));
}

std::string EcidText(const v1::Phone& phone) {
  return phone.ecid().empty() ? "unknown" : Printable(phone.ecid());
}

bool AtRest(const v1::Port& port) {
  switch (StateOf(port)) {
    case PortState::kIdentifying:
    case PortState::kArmed:
    case PortState::kQueued:
    case PortState::kWorking:
    case PortState::kCancelling:
      return false;
    case PortState::kEmpty:
    case PortState::kIdle:
    case PortState::kHeld:
    case PortState::kDone:
    case PortState::kFailed:
      return true;
  }
  return true;
}

ExitCode ExitCodeOf(const v1::Port& port) {
  const bool bad = StateOf(port) == PortState::kFailed || StateOf(port) == PortState::kHeld;
  if (!bad) return ExitCode::kOk;
  const auto code = ErrorCodeFromNumber(static_cast<std::uint32_t>(port.error_code()));
  const ExitCode exit_code = code ? ExitCodeOf(Info(*code).error_class) : ExitCode::kStation;
  return exit_code == ExitCode::kOk ? ExitCode::kOperator : exit_code;
}

bool IsCalled(const v1::Port& port, std::string_view name) {
  return !name.empty() && (port.label() == name || port.path() == name || port.key() == name);
}

bool InOrder(const v1::Port& a, const v1::Port& b) {
  const std::string left = PortName(a);
  const std::string right = PortName(b);
  return left == right ? a.key() < b.key() : NaturalLess(left, right);
}

std::string RenderPorts(const std::vector<v1::Port>& ports, const Screen& screen) {
  if (ports.empty()) return "No ports yet: plug a phone in.\n";
  std::vector<Row> rows;
  for (const v1::Port& port : ports) {
    const auto mode = static_cast<PhoneMode>(port.phone().mode());
    rows.push_back({{{PortName(port)},
                     {ProductName(port.phone())},
                     {mode == PhoneMode::kNone ? "" : Words(Name(mode))},
                     {StateText(port), ColorOf(StateOf(port))},
                     {StepText(port)},
                     {Moves(port) ? PercentText(port.progress().fraction()) : ""}},
                    NoteOf(port)});
  }
  const std::vector<Column> columns = {{"PORT", false, 4}, {"PRODUCT", false, 9}, {"MODE"},
                                       {"STATE"},          {"STEP", false, 6},    {"%", true}};
  return RenderTable(columns, rows, "WHAT TO DO", screen);
}

std::string RenderBlame(const std::vector<v1::Blame>& blame, const Screen& screen) {
  if (blame.empty()) return "Nothing failed.\n";
  std::vector<Row> rows;
  for (const v1::Blame& row : blame)
    rows.push_back({{{Printable(row.suspect())},
                     {Printable(row.name()), row.bad() ? Color::kBad : Color::kNone},
                     {fmt::format("{} of {}", row.failures(), row.attempts())},
                     {std::to_string(row.phones_failed())},
                     {std::to_string(row.elsewhere())}},
                    row.bad() && row.suspect() == "port"
                        ? std::string(OperatorLine(ErrorCode::kPortQuarantined))
                        : ""});
  return RenderTable({{"WHAT"},
                      {"WHICH", false, 10},
                      {"FAILED", true},
                      {"PHONES", true},
                      {"WELL ELSEWHERE", true}},
                     rows, "WHAT TO DO", screen);
}

std::string RenderWatch(const std::vector<v1::Port>& ports, std::string_view message,
                        const Screen& screen) {
  const bool wide = screen.width >= 100;
  std::vector<Row> rows;
  for (const v1::Port& port : ports) rows.push_back(WatchRow(port, wide));
  std::vector<Column> columns = {{"PORT", false, 4}, {"PRODUCT", false, 9}, {"STEP", false, 15},
                                 {"PROGRESS"},       {"%", true},           {"BYTES", true, 6},
                                 {"SPEED", true, 6}, {"LEFT", true}};
  if (wide) columns.push_back({"STATE"});
  std::string text = ports.empty() ? "" : RenderTable(columns, rows, "WHAT TO DO", screen);

  std::string last = Summary(ports);
  if (Simulated(ports)) last += "  (SIMULATED)";
  if (!message.empty()) last = std::string(message);
  last = Fit(last, std::min(screen.width, Width(last)));
  last = Paint(screen, message.empty() ? Color::kDim : Color::kWarn, last);

  // One line stays free for the cursor, one for the summary.
  const auto room = static_cast<std::size_t>(std::max(3, screen.height - 2));
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size() && text.find('\n', at) != std::string::npos;) {
    at = text.find('\n', at) + 1;
    if (++lines == room - 1 && std::ranges::count(text.substr(at), '\n') > 1) {
      const auto hidden = std::ranges::count(text.substr(at), '\n');
      text.resize(at);
      text += fmt::format("... {} more lines: make the window taller\n", hidden);
      break;
    }
  }
  return text + last + "\n";
}

std::string RenderChange(const v1::Port& port) {
  std::string line = Fit(PortName(port), std::max(4, Width(PortName(port))));
  const std::string product = ProductName(port.phone());
  line += fmt::format("  {}  {}", product.empty() ? "-" : product, StateText(port));
  if (const std::string step = StepText(port); !step.empty())
    line += fmt::format("  {} {}", step, PercentText(port.progress().fraction()));
  if (const std::string bytes = BytesOf(port); !bytes.empty()) line += "  " + bytes;
  if (Moves(port))
    if (const std::string speed = SpeedText(port.progress().bytes_per_second()); !speed.empty())
      line += "  " + speed;
  if (const std::string eta = EtaOf(port); !eta.empty()) line += "  " + eta + " left";
  if (const std::string note = NoteOf(port); !note.empty()) line += "  - " + note;
  return line;
}

bool WorthALine(const v1::Port& before, const v1::Port& now) {
  const auto twentieth = [](const v1::Port& port) {
    return static_cast<int>(port.progress().fraction() * 20);
  };
  return before.state() != now.state() || before.progress().step() != now.progress().step() ||
         before.what_to_do() != now.what_to_do() || before.error_code() != now.error_code() ||
         before.job_id() != now.job_id() || before.label() != now.label() ||
         before.phone().ecid() != now.phone().ecid() ||
         before.phone().product_name() != now.phone().product_name() ||
         before.phone().mode() != now.phone().mode() ||
         (Moves(now) && twentieth(before) != twentieth(now));
}

}  // namespace station::ctl
