// station-rack: a cart of simulated iPhones. See README.md for where to start reading.

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/rack/control/client.h"
#include "tests/rack/control/rack.h"
#include "tests/rack/forge_command.h"
#include "tests/rack/model/recorder.h"
#include "tests/rack/wire/json.h"

namespace {

using rack::Value;

constexpr int kFailed = 1;

struct Options {
  std::string cart;
  std::string dir;
  std::string phone;
  std::vector<std::string> words;
  bool json = false;
  bool redir = false;
  bool plain_malloc = false;
  rack::ForgeCommand forge;
  rack::PublishedFile file;
  std::vector<std::string> program;  // what stands behind "--"
};

int Report(const station::Error& error) {
  fmt::print(stderr, "station-rack: {}\n", error.context);
  return kFailed;
}

// One descriptor for each connection, and a cart has many.
void AllowManyDescriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Run(const Options& options) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all inherit it
  AllowManyDescriptors();
  const auto products = rack::ProductTable::Load(rack::ProductTable::DefaultFile());
  if (!products) return Report(products.error());
  auto cart = rack::LoadCart(options.cart, *products);
  if (!cart) return Report(cart.error());
  std::filesystem::create_directories(options.dir);
  spdlog::set_default_logger(spdlog::basic_logger_mt("rack", options.dir + "/rack.log"));
  spdlog::flush_every(std::chrono::seconds(1));
  spdlog::flush_on(spdlog::level::warn);
  const auto started =
      rack::Rack::Start(std::move(*cart), *products, std::filesystem::absolute(options.dir),
                        options.redir ? rack::Cables::kRedir : rack::Cables::kPrograms);
  if (!started) return Report(started.error());
  fmt::print("ready\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

int Execute(const Options& options) {
  if (options.program.empty())
    return Report({station::ErrorCode::kBadRequest, "exec needs -- CMD ARG..."});
  const auto code =
      rack::ExecuteInWorld(options.dir, {options.phone, options.program, options.plain_malloc});
  return code ? *code : Report(code.error());
}

int Status(const Options& options) {
  const auto answer = rack::AskRack(options.dir, Value::Dict{{"Command", "status"}});
  if (!answer) return Report(answer.error());
  const Value* phones = answer->Find("Phones");
  if (phones == nullptr || phones->AsArray() == nullptr) return kFailed;
  if (options.json) {
    fmt::print("{}\n", rack::ToJson(*phones));
    return 0;
  }
  fmt::print("{:<10} {:<8} {:<18} {:<11} {:<9} {:<8} {:<9} {}\n", "NAME", "PORT", "ECID", "PRODUCT",
             "MODE", "BUILD", "USERDATA", "LAST ERROR");
  for (const Value& phone : *phones->AsArray())
    fmt::print("{:<10} {:<8} {:<18} {:<11} {:<9} {:<8} {:<9} {} {}\n", phone.Text("name"),
               phone.Text("port"), phone.Text("ecid"), phone.Text("product"),
               phone.Flag("plugged") ? phone.Text("mode") : "unplugged", phone.Text("os_build"),
               phone.Flag("user_data_present") ? "present" : "gone", phone.Text("last_error"),
               phone.Text("last_error_detail"));
  return 0;
}

// A running rack knows the phone by any of its names; otherwise the name alone will do.
std::string NameOf(const Options& options) {
  const auto answer = rack::AskRack(options.dir, Value::Dict{{"Command", "status"}});
  const Value* phones = answer ? answer->Find("Phones") : nullptr;
  if (phones == nullptr || phones->AsArray() == nullptr) return options.phone;
  const auto ecid = station::ParseEcid(options.phone);
  for (const Value& phone : *phones->AsArray()) {
    if (ecid && station::ParseEcid(phone.Text("ecid")) == ecid) return phone.Text("name");
    for (const char* key : {"name", "port", "udid"})
      if (phone.Text(key) == options.phone) return phone.Text("name");
  }
  return options.phone;
}

int Recording(const Options& options) {
  const std::string name = NameOf(options);
  const auto folder = std::filesystem::path(options.dir) / "recordings";
  if (name.find('/') != std::string::npos || !std::filesystem::exists(folder / (name + ".jsonl")))
    return Report({station::ErrorCode::kNotFound, "no recording of " + options.phone});
  for (const char* ending : {".jsonl.before", ".jsonl"})
    for (const rack::RecordedEvent& event : rack::ReadRecording(folder / (name + ending)))
      fmt::print("{:10.3f} {:>3} {:<8} {}\n", event.at, event.boot, event.stage, rack::Line(event));
  return 0;
}

int Act(const std::string& command, const Options& options) {
  Value::Array words(options.words.begin(), options.words.end());
  const auto answer = rack::AskRack(
      options.dir,
      Value::Dict{{"Command", command}, {"Phone", options.phone}, {"Words", std::move(words)}});
  return answer ? 0 : Report(answer.error());
}

int Publish(const Options& options) {
  const rack::PublishedFile& file = options.file;
  const auto answer = rack::AskRack(
      options.dir,
      Value::Dict{{"Command", "publish"},
                  {"File", std::filesystem::absolute(file.path).string()},
                  {"Build", file.build},
                  {"Version", file.version},
                  {"Products", Value::Array(file.products.begin(), file.products.end())}});
  if (!answer) return Report(answer.error());
  fmt::print("{}\n", answer->Text("url"));
  return 0;
}

int Downloads(const Options& options) {
  const auto answer = rack::AskRack(options.dir, Value::Dict{{"Command", "downloads"}});
  if (!answer) return Report(answer.error());
  fmt::print("{}\n", rack::ToJson(*answer));
  return 0;
}

void AddDownloadCommands(CLI::App& app, Options& options) {
  CLI::App* publish = app.add_subcommand(
      "publish", "offer a firmware in the catalogues, for download; prints its address");
  publish->add_option("--dir", options.dir)->required();
  publish->add_option("file", options.file.path, "FILE.ipsw")->required()->check(CLI::ExistingFile);
  publish->add_option("--build", options.file.build, "19H370")->required();
  publish->add_option("--version", options.file.version, "15.8")->required();
  publish->add_option("--product", options.file.products, "iPhone10,1 ...")->required();
  app.add_subcommand("downloads", "what the download server has sent, as JSON")
      ->add_option("--dir", options.dir)
      ->required();
}

CLI::App* AddPhoneCommand(CLI::App& app, const std::string& name, const std::string& what,
                          Options& options, bool words) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("--dir", options.dir)->required();
  command->add_option("phone", options.phone, "name, port, ECID or UDID")->required();
  if (words) command->add_option("words", options.words, "see the README");
  return command;
}

int Dispatch(const std::string& command, const Options& options) {
  if (command == "run") return Run(options);
  if (command == "exec") return Execute(options);
  if (command == "status") return Status(options);
  if (command == "recording") return Recording(options);
  if (command == "publish") return Publish(options);
  if (command == "downloads") return Downloads(options);
  if (command == "forge") return rack::RunForgeCommand(options.forge);
  if (command == "keys") return fmt::print("{}", rack::CartKeys()), 0;
  return Act(command, options);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  char** const separator = std::find_if(
      argv, argv + argc, [](const char* word) { return std::string_view(word) == "--"; });
  if (separator != argv + argc) options.program.assign(separator + 1, argv + argc);

  CLI::App app("station-rack: simulated iPhones for unmodified tools");
  app.require_subcommand(1);
  CLI::App* run = app.add_subcommand("run", "run a cart until ended; prints \"ready\"");
  run->add_option("--cart", options.cart, "CART.yaml")->required();
  run->add_option("--dir", options.dir, "sockets, state and logs")->required();
  run->add_flag(
      "--redir", options.redir,
      "cables lead into a virtual machine: a usb-redir socket DIR/run/redir/PORT.sock each");
  run->footer("\nCART.yaml\n" + rack::CartKeys());
  CLI::App* exec =
      app.add_subcommand("exec", "run a program in the rack's world: exec --dir DIR -- CMD ARG...");
  exec->add_option("--dir", options.dir)->required();
  exec->add_option("--phone", options.phone, "show this phone only");
  exec->add_flag("--plain-malloc", options.plain_malloc,
                 "do not work around libirecovery's use of a freed list");
  CLI::App* status = app.add_subcommand("status", "what is on every phone");
  status->add_option("--dir", options.dir)->required();
  status->add_flag("--json", options.json);
  AddPhoneCommand(app, "plug", "plug a phone in", options, false);
  AddPhoneCommand(app, "recording", "what was said to a phone and by it, an event a line", options,
                  false);
  AddPhoneCommand(app, "unplug", "pull its cable", options, false);
  AddPhoneCommand(app, "power", "power PHONE on|off", options, true);
  AddPhoneCommand(app, "press", "press PHONE recovery|restart|dfu|trust|distrust|lock|unlock",
                  options, true);
  AddPhoneCommand(app, "fault", "fault PHONE|signer|mux|hub|downloads|all NAME [ARG...]", options,
                  true)
      ->footer(rack::FaultHelp());
  app.add_subcommand("keys", "what a CART.yaml may say");
  rack::AddForgeCommand(app, options.forge);
  AddDownloadCommands(app, options);

  CLI11_PARSE(app, static_cast<int>(separator - argv), argv);
  return Dispatch(app.get_subcommands().front()->get_name(), options);
}
