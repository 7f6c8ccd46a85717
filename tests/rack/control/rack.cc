#include "tests/rack/control/rack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "station/base/fd.h"
#include "tests/rack/lockdown/user.h"

namespace rack {
namespace {

namespace fs = std::filesystem;
using station::ErrorCode;
using station::Fail;
using station::Result;

constexpr int kControlBacklog = 64;
constexpr std::string_view kShortPrefix = "/tmp/rack-";
constexpr const char* kRunLink = "run";  // DIR/run leads to the short folder

std::string MakeSubfolder(const std::string& parent, const char* name) {
  const fs::path path = fs::path(parent) / name;
  fs::create_directories(path);
  return path;
}

Value ErrorAnswer(const station::Error& error) { return Value::Dict{{"Error", error.context}}; }

// What a rack that was killed has left behind. Its lock is ours by now.
void RemoveStaleFolder(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (!error && target.string().starts_with(kShortPrefix)) fs::remove_all(target, error);
  fs::remove(link, error);
}

Value FirmwareOf(const PhoneState& state) {
  Value firmware = Value::Dict{};
  for (const auto& [name, what] : state.firmware) firmware.Set(name, what);
  return firmware;
}

Value StatusOf(const Phone& phone) {
  const PhoneState state = phone.State();
  const PhoneSpec& spec = phone.Spec();
  return Value::Dict{{"name", spec.name},
                     {"port", ToString(state.port)},
                     {"plugged", state.plugged},
                     {"ecid", ToString(spec.ecid)},
                     {"udid", spec.udid},
                     {"serial", spec.serial},
                     {"product", spec.product.type},
                     {"mode", ModeName(state.stage)},
                     {"stage", Name(state.stage)},
                     {"os_build", state.os_complete ? state.os_build : ""},
                     {"os_image_digest", state.os_image_digest},
                     {"nor_complete", state.nor_complete},
                     {"firmware", FirmwareOf(state)},
                     {"user_data_present", state.user_data_present},
                     {"battery", state.battery},
                     {"locked", state.locked},
                     {"paired_hosts", state.ios.pairings.size()},
                     {"trust_dialog", state.trust_dialog == TrustDialog::kOpen},
                     {"stashbag_committed", state.ios.stashbag_committed},
                     {"effaceable_generation", state.effaceable_generation},
                     {"boots", state.boot_number},
                     {"restores_completed", state.restores_completed},
                     {"held_at", phone.HeldAt()},
                     {"last_error", Name(state.last_error.reason)},
                     {"last_error_detail", state.last_error.detail}};
}

std::vector<std::string> WordsIn(const Value& request, const char* key) {
  std::vector<std::string> words;
  if (const Value* list = request.Find(key); list != nullptr && list->AsArray() != nullptr)
    for (const Value& word : *list->AsArray())
      if (word.AsText() != nullptr) words.push_back(*word.AsText());
  return words;
}

}  // namespace

ShortFolder::ShortFolder() {
  std::string pattern = std::string(kShortPrefix) + "XXXXXX";
  if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  fs::permissions(path_, fs::perms(0755));
}

ShortFolder::~ShortFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<std::unique_ptr<Rack>> Rack::Start(std::vector<PhoneSpec> cart, const ProductTable& products,
                                          const fs::path& folder, Cables cables) {
  std::error_code error;
  fs::create_directories(folder / "phones", error);
  fs::create_directories(folder / "pairing", error);
  if (error) return Fail(ErrorCode::kIo, "creating " + folder.string() + ": " + error.message());
  station::Fd lock(open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.Valid() || flock(lock.Get(), LOCK_EX | LOCK_NB) != 0)
    return Fail(ErrorCode::kAlreadyExists, "a rack already runs in " + folder.string());
  RemoveStaleFolder(folder / kRunLink);
  STATION_TRY(keys, SigningKeys::LoadOrCreate(DefaultKeyFolder()));
  STATION_CHECK(station::WriteFileDurably(folder / "rack-root.pem", keys.RootPem()));
  STATION_TRY(root, RootOfTrust::FromPem(keys.RootPem()));
  STATION_TRY(signer, SignerServer::Start(std::move(keys), products));
  signer->RecordTo(folder / "recordings" / "signer.jsonl");
  STATION_TRY(downloads, DownloadServer::Start());
  std::unique_ptr<Rack> rack(
      new Rack(folder, std::move(lock), std::move(signer), std::move(downloads)));
  STATION_CHECK(rack->Open(std::move(cart), root, cables));
  return rack;
}

Rack::Rack(fs::path folder, station::Fd lock, std::unique_ptr<SignerServer> signer,
           std::unique_ptr<DownloadServer> downloads)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      signer_(std::move(signer)),
      downloads_(std::move(downloads)),
      records_(folder_ / "pairing"),
      bus_(MakeSubfolder(short_.Path(), "w")) {}

station::Status Rack::Open(std::vector<PhoneSpec> cart, const RootOfTrust& root, Cables cables) {
  if (std::ranges::any_of(cart, &PhoneSpec::fixed_nonces)) signer_->SetFaults({.repeatable = true});
  STATION_CHECK(mux_.Open(MuxSocket(), std::nullopt));
  if (cables == Cables::kRedir) {
    std::vector<station::PortPath> ports;
    for (const PhoneSpec& spec : cart) ports.push_back(spec.port);
    STATION_TRY(front, RedirFront::Open(fs::path(short_.Path()) / "redir", ports));
    redir_ = std::move(front);
  }
  for (PhoneSpec& spec : cart) {
    const std::string state_file = folder_ / "phones" / (spec.name + ".plist");
    const std::string recording = spec.recording ? spec.name + ".jsonl" : "";
    phones_.push_back(std::make_unique<Phone>(std::move(spec), root, state_file));
    if (!recording.empty()) phones_.back()->RecordTo(folder_ / "recordings" / recording);
  }
  for (const auto& phone : phones_) {
    station::PortPath hub = phone->Spec().port;
    hub.chain.pop_back();
    if (phone->Spec().hub_power != HubPower::kPortByPort)
      bus_.SetHubPower(hub, phone->Spec().hub_power);
  }
  bus_.SetOnPower(
      [this](const station::PortPath& side, bool on, bool fed) { OnPortPower(side, on, fed); });
  const Host host = redir_ ? Host{*redir_, nullptr} : Host{bus_, &devices_};
  for (const auto& phone : phones_) presences_.push_back(std::make_unique<Presence>(*phone, host));
  STATION_TRY(listener, ListenUnix(short_.Path() + "/control", kControlBacklog));
  control_ = std::make_unique<SocketServer>(
      std::move(listener),
      [this](const std::shared_ptr<Stream>& stream) { ServeControl(*stream); });
  std::error_code error;
  fs::create_directory_symlink(short_.Path(), folder_ / kRunLink, error);
  if (error)
    return Fail(ErrorCode::kIo,
                "linking " + (folder_ / kRunLink).string() + ": " + error.message());
  return {};
}

Rack::~Rack() {
  control_.reset();
  bus_.SetOnPower({});
  presences_.clear();
  std::error_code ignored;
  fs::remove(folder_ / kRunLink, ignored);
}

void Rack::ServeControl(Stream& stream) {
  const auto request = ReadFrame(stream);
  if (!request) return;
  if (request->Text("Command") == "world")
    ServeWorld(stream, *request);
  else
    WriteFrame(stream, Handle(*request));
}

void Rack::ServeWorld(Stream& stream, const Value& request) {
  const std::string wanted = request.Text("Phone");
  if (wanted.empty()) return ShowWorld(stream, MuxSocket(), std::nullopt);
  const Phone* phone = FindPhone(wanted);
  if (phone == nullptr)
    return void(WriteFrame(stream, Value::Dict{{"Error", "no phone " + wanted}}));
  station::PortPath port = phone->State().port;
  std::vector<station::PortPath> only = {port};
  ++port.bus;
  if (phone->Spec().super_speed) only.push_back(port);
  std::string socket = MuxSocket();
  {
    const std::lock_guard lock(mutex_);
    socket += std::to_string(next_world_++);
  }
  if (const auto opened = mux_.Open(socket, phone->Spec().name); !opened)
    return void(WriteFrame(stream, ErrorAnswer(opened.error())));
  ShowWorld(stream, socket, std::move(only));
  mux_.Close(socket);
}

// A world lasts as long as the connection that asked for it.
void Rack::ShowWorld(Stream& stream, const std::string& mux_socket,
                     std::optional<std::vector<station::PortPath>> only) {
  const auto world = bus_.CreateWorld(std::move(only));
  if (!world) return void(WriteFrame(stream, ErrorAnswer(world.error())));
  WriteFrame(stream, Value::Dict{{"Root", world->root},
                                 {"Socket", mux_socket},
                                 {"SignerUrl", signer_->BaseUrl()},
                                 {"CatalogueUrl", downloads_->BaseUrl()}});
  std::array<std::uint8_t, 1> nothing;
  (void)stream.ReadSome(nothing);
  bus_.DestroyWorld(world->id);
}

Value Rack::Handle(const Value& request) {
  const std::string command = request.Text("Command");
  if (command == "status") return Status();
  if (command == "publish") return Publish(request);
  if (command == "downloads")
    return Value::Dict{{"catalogue_url", downloads_->BaseUrl()},
                       {"bytes_sent", downloads_->FileBytesSent()},
                       {"requests", downloads_->FileRequests()}};
  return Act(command, request.Text("Phone"), WordsIn(request, "Words"));
}

// A file that is offered for download from now on, instead of one of the same name.
Value Rack::Publish(const Value& request) {
  PublishedFile file;
  file.path = request.Text("File");
  file.build = request.Text("Build");
  file.version = request.Text("Version");
  file.products = WordsIn(request, "Products");
  if (const auto published = downloads_->Publish(file); !published)
    return ErrorAnswer(published.error());
  return Value::Dict{{"url", downloads_->UrlOf(file.path.filename())}};
}

Value Rack::Status() const {
  Value::Array phones;
  for (const auto& phone : phones_) phones.push_back(StatusOf(*phone));
  return Value::Dict{{"Phones", std::move(phones)}};
}

Phone* Rack::FindPhone(const std::string& text) const {
  const auto ecid = station::ParseEcid(text);
  for (const auto& phone : phones_) {
    const PhoneSpec& spec = phone->Spec();
    if (text == spec.name || text == spec.udid || text == ToString(phone->State().port) ||
        ecid == spec.ecid)
      return phone.get();
  }
  return nullptr;
}

Value Rack::Act(const std::string& command, const std::string& name,
                const std::vector<std::string>& words) {
  if (command == "fault") {
    const auto applied = Fault(name, words);
    return applied ? Value() : ErrorAnswer(applied.error());
  }
  Phone* phone = FindPhone(name);
  if (phone == nullptr) return Value::Dict{{"Error", "no phone " + name}};
  const std::string word = words.empty() ? "" : words[0];
  if (command == "press" && words.size() == 1 && TapOn(*phone, word)) return Value();
  using enum Phone::Wish::Kind;
  static const std::map<std::pair<std::string, std::string>, Phone::Wish> wishes = {
      {{"plug", ""}, {.kind = kPlug}},
      {{"unplug", ""}, {.kind = kUnplug}},
      {{"power", "on"}, {.event = Event::kPowerOn}},
      {{"power", "off"}, {.event = Event::kPowerOff}},
      {{"press", "recovery"}, {.event = Event::kHoldForRecovery}},
      {{"press", "restart"}, {.event = Event::kHoldForRestart}},
      {{"press", "dfu"}, {.event = Event::kHoldForDfu}},
  };
  const auto wish = wishes.find({command, word});
  if (wish == wishes.end() || words.size() > 1)
    return Value::Dict{{"Error",
                        "plug, unplug, power on|off, press recovery|restart|dfu|trust|distrust|"
                        "lock|unlock, fault NAME [ARG]"}};
  if (phone->Ask(wish->second).wait_for(kActionPatience) != std::future_status::ready)
    return Value::Dict{{"Error", "asked for, but not done yet"}};
  return Value();
}

Result<std::string> ControlSocket(const fs::path& folder) {
  std::error_code error;
  const fs::path target = fs::read_symlink(folder / kRunLink, error);
  if (error) return Fail(ErrorCode::kNotFound, "no rack runs in " + folder.string());
  return (target / "control").string();
}

}  // namespace rack
