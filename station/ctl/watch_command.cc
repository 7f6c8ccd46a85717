// watch: the ports as they change. On a terminal one table redrawn in place, on a pipe one line for
// each change.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <ostream>

#include "station/ctl/command.h"
#include "station/ctl/json.h"
#include "station/ctl/port_stream.h"
#include "station/ctl/port_text.h"

namespace station::ctl {
namespace {

struct WatchOptions {
  bool until_idle = false;
  std::vector<std::string> only;
};

// The ports as last told.
class Picture {
 public:
  explicit Picture(std::vector<std::string> only) : only_(std::move(only)) {}

  // Whether this port is among those watched.
  [[nodiscard]] bool Wanted(const v1::Port& port) const {
    return only_.empty() || std::ranges::any_of(only_, [&](const std::string& name) {
             return IsCalled(port, name);
           });
  }
  // What it was before; null when new.
  std::optional<v1::Port> Take(const v1::Port& port) {
    const auto known = ports_.find(port.key());
    if (known == ports_.end()) {
      ports_.emplace(port.key(), port);
      return std::nullopt;
    }
    return std::exchange(known->second, port);
  }
  [[nodiscard]] std::vector<v1::Port> Ports() const {
    std::vector<v1::Port> ports;
    for (const auto& [key, port] : ports_) ports.push_back(port);
    std::ranges::stable_sort(ports, InOrder);
    return ports;
  }
  [[nodiscard]] bool AllAtRest() const {
    return std::ranges::all_of(ports_, [](const auto& entry) { return AtRest(entry.second); });
  }
  // The first name asked for that no port has.
  [[nodiscard]] std::optional<std::string> Missing() const {
    for (const std::string& name : only_)
      if (std::ranges::none_of(ports_,
                               [&](const auto& entry) { return IsCalled(entry.second, name); }))
        return name;
    return std::nullopt;
  }
  [[nodiscard]] ExitCode Worst() const {
    ExitCode worst = ExitCode::kOk;
    for (const auto& [key, port] : ports_) worst = Worse(worst, ExitCodeOf(port));
    return worst;
  }

 private:
  std::vector<std::string> only_;
  std::map<std::string, v1::Port> ports_;
};

class Watch {
 public:
  Watch(Client& client, const Invocation& invocation, Terminal& terminal, WatchOptions options)
      : invocation_(invocation),
        terminal_(terminal),
        options_(std::move(options)),
        picture_(options_.only),
        live_(terminal.screen.terminal && !invocation.json),
        stream_(client) {}

  Answer<ExitCode> Run() {
    Answer<std::optional<ExitCode>> end = std::optional<ExitCode>();
    while (end && !*end) {
      if (const auto event = stream_.Next(std::chrono::milliseconds(250)))
        end = std::visit([this](const auto& what) { return On(what); }, *event);
      Draw();  // also while one change follows the other without a pause
    }
    Draw(true);
    if (!end) return std::unexpected(end.error());
    return **end;
  }

 private:
  using End = Answer<std::optional<ExitCode>>;

  End On(const PortStream::Changed& changed) {
    const v1::Port& port = changed.port;
    if (!picture_.Wanted(port)) return std::nullopt;
    const auto before = picture_.Take(port);
    if (invocation_.json) {
      terminal_.out << ToJson(port) << std::endl;
    } else if (!live_ &&
               (before ? WorthALine(*before, port) : port.state() != v1::PORT_STATE_EMPTY)) {
      terminal_.out << fmt::format("{}  {}\n", ClockText(std::time(nullptr)), RenderChange(port))
                    << std::flush;
    }
    return EndIfIdle();
  }

  End On(const PortStream::Current&) {
    if (lost_ && !live_) terminal_.notes << "The station is back.\n" << std::flush;
    lost_ = false;
    current_ = true;
    message_.clear();
    if (const auto missing = picture_.Missing())
      return Refuse(ExitCode::kUsage, fmt::format("there is no port {}", *missing),
                    "See stationctl ports for their names.");
    return EndIfIdle();
  }

  // At the start that is an error; later the station is restarting and comes back.
  End On(const PortStream::Lost& lost) {
    if (!current_ && !lost_) return std::unexpected(lost.failure);
    if (!lost_ && !live_)
      terminal_.notes << "The station is away, waiting for it. The phones' work goes on.\n"
                      << std::flush;
    lost_ = true;
    current_ = false;
    message_ = "The station is away, waiting for it. The phones' work goes on.";
    Draw();
    return std::nullopt;
  }

  End On(const PortStream::Stopped&) {
    return options_.until_idle ? ExitCode::kStopped : ExitCode::kOk;
  }

  End EndIfIdle() const {
    if (!options_.until_idle || !current_ || !picture_.AllAtRest()) return std::nullopt;
    return picture_.Worst();
  }

  // At most ten times a second, over what was drawn before.
  void Draw(bool last = false) {
    if (!live_) return;
    const auto now = std::chrono::steady_clock::now();
    if (!last && now - drawn_at_ < std::chrono::milliseconds(100)) return;
    drawn_at_ = now;
    Screen screen = Screen::OfStandardOutput();
    if (last) screen.height = 10000;  // the final state stays in the scroll-back, whole
    const std::string text = RenderWatch(picture_.Ports(), message_, screen);
    if (text == drawn_ && screen.width == width_) return;
    // Each line ends by clearing what stood there before: no flicker, unlike clearing first.
    std::string output = lines_ > 0 ? fmt::format("\r\x1b[{}A", lines_) : "\r";
    for (const char c : text) output += c == '\n' ? "\x1b[K\n" : std::string(1, c);
    output += "\x1b[J";
    lines_ = std::ranges::count(text, '\n');
    width_ = screen.width;
    drawn_ = text;
    terminal_.out << output << std::flush;
  }

  const Invocation& invocation_;
  Terminal& terminal_;
  WatchOptions options_;
  Picture picture_;
  bool live_;
  bool current_ = false;
  bool lost_ = false;
  std::string message_;
  std::string drawn_;
  std::ptrdiff_t lines_ = 0;
  int width_ = 0;
  std::chrono::steady_clock::time_point drawn_at_;
  PortStream stream_;
};

}  // namespace

void AddWatchCommand(CLI::App& app, Invocation& invocation) {
  const auto options =
      std::make_shared<WatchOptions>();  // outlives this function with the callback
  CLI::App* watch = app.add_subcommand("watch", "The ports as they change; Ctrl-C to end");
  watch->add_flag(
      "--until-idle", options->until_idle,
      "End when no port is armed, queued or working; the exit code tells the worst end");
  watch->add_option("--for", options->only, "Only these ports (label, path or key)");
  watch->callback([&invocation, options] {
    invocation.run = [options](const Invocation& run, Terminal& terminal) -> Answer<ExitCode> {
      STATION_TRY(client, run.Connect());
      return Watch(client, run, terminal, *options).Run();
    };
  });
}

}  // namespace station::ctl
