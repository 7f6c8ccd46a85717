#include "tests/rack/recovery/iboot.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "tests/rack/recovery/upload.h"

namespace rack {
namespace {

constexpr std::uint8_t kUploadEndpoint = 0x04;
constexpr std::size_t kLargestUpload = 1U << 30U;
constexpr std::size_t kLongestCommand = 256;

constexpr std::uint8_t kVendorOut = 0x40;
constexpr std::uint8_t kVendorIn = 0xC0;
constexpr std::uint8_t kVendorToInterface = 0x41;
constexpr std::uint8_t kClassToInterface = 0x21;
constexpr std::uint8_t kClassFromInterface = 0xA1;
constexpr std::uint8_t kDownload = 1;
constexpr std::uint8_t kUpload = 2;

// What the other commands load; `firmware` takes none of these.
const std::set<std::string>& TypesWithTheirOwnCommand() {
  static const std::set<std::string> types = {"ibec", "ibss", "rdsk", "rdtr", "rkrn",
                                              "rsep", "rlgo", "krnl", "dtre", "sepi",
                                              "illb", "ibot", "rosi"};
  return types;
}

std::vector<std::string> Split(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

Iboot::Iboot(Phone& phone, Stage stage)
    : phone_(phone),
      stage_(stage),
      boot_number_(phone.State().boot_number),
      environment_(phone.State().nvram) {
  // iBSS and iBEC are the host's, iBoot is the one on flash.
  environment_["build-version"] = stage == Stage::kIboot ? "iBoot-6723.140.2" : "iBoot-7459.140.15";
  environment_["build-style"] = "RELEASE";
  environment_["boot-stage"] = stage == Stage::kIbss ? "1" : "2";
  environment_["ramdisk-size"] = "0x10000000";
  environment_["ramdisk-delay"] = "2000";
  environment_["radio-error"] = "0";
  environment_["loadaddr"] = "0x801000000";
  std::string board(phone.Spec().product.board.substr(0, phone.Spec().product.board.size() - 2));
  environment_["config_board"] = board;
  console_ =
      fmt::format("{} {} {}\n", environment_["build-version"], environment_["build-style"], board);
}

std::optional<Bytes> Iboot::Control(const SetupPacket& setup, std::span<const std::uint8_t> out) {
  switch (setup.request_type) {
    case kVendorOut: {  // whatever the request's number (reference 2.3)
      const std::string_view text = AsText(out);
      const bool done =
          text.size() <= kLongestCommand && Run(std::string(text.substr(0, text.find('\0'))));
      return done ? std::optional(Bytes()) : std::nullopt;
    }
    case kVendorIn: {
      Bytes answer(result_.begin(), result_.end());
      answer.push_back(0);
      answer.resize(std::min<std::size_t>(answer.size(), setup.length));
      return answer;
    }
    case kVendorToInterface:
      upload_.clear();
      upload_recorded_ = false;
      read_back_ = 0;
      return Bytes();
    case kClassToInterface:  // the poke around go and bootx
      return setup.request == kDownload ? std::optional(Bytes()) : std::nullopt;
    case kClassFromInterface:
      return setup.request == kUpload ? std::optional(ReadBack(setup.length)) : std::nullopt;
    default:
      return std::nullopt;
  }
}

// The load buffer, piece after piece (2.1 names the request, not its answer).
Bytes Iboot::ReadBack(std::size_t size) {
  const auto piece = std::span(upload_).subspan(std::min(read_back_, upload_.size()));
  const auto taken = piece.first(std::min(size, piece.size()));
  read_back_ += taken.size();
  return {taken.begin(), taken.end()};
}

bool Iboot::BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> data) {
  if (leaving_ || endpoint != kUploadEndpoint || upload_.size() + data.size() > kLargestUpload)
    return false;
  if (upload_.empty() && !data.empty() && RefusesSend(phone_, data)) return false;
  upload_recorded_ = false;
  upload_.insert(upload_.end(), data.begin(), data.end());
  return true;
}

Bytes Iboot::BulkIn(std::uint8_t /*endpoint*/, std::size_t size) {
  const std::size_t count = std::min(size, console_.size());
  Bytes piece(console_.begin(), console_.begin() + static_cast<std::ptrdiff_t>(count));
  console_.erase(0, count);
  return piece;
}

const std::map<std::string, Iboot::Command>& Iboot::Commands() {
  static const std::map<std::string, Command> commands = {
      {"setenv", &Iboot::SetEnv},         {"setenvnp", &Iboot::SetEnvForThisBoot},
      {"getenv", &Iboot::GetEnv},         {"saveenv", &Iboot::SaveEnv},
      {"bgcolor", &Iboot::Accept},        {"go", &Iboot::Go},
      {"setpicture", &Iboot::SetPicture}, {"firmware", &Iboot::LoadFirmware},
      {"ramdisk", &Iboot::LoadRamdisk},   {"devicetree", &Iboot::LoadDeviceTree},
      {"rsepfirmware", &Iboot::LoadSep},  {"bootx", &Iboot::BootX},
      {"reboot", &Iboot::Reboot},         {"reset", &Iboot::Reboot},
  };
  return commands;
}

bool Iboot::Run(const std::string& line) {
  const auto words = Split(line);
  if (words.empty()) return true;
  const auto command = Commands().find(words[0]);
  result_.clear();
  if (!upload_.empty() && !std::exchange(upload_recorded_, true))
    RecordUpload(phone_, "iboot", upload_);
  const bool done = !leaving_ && command != Commands().end() && (this->*command->second)(words);
  phone_.Record("iboot", Toward::kPhone, "command", Value::Dict{{"line", line}, {"done", done}});
  image_ = Bytes();  // a ramdisk is large, and nobody looks at it any more
  spdlog::info("phone={} stage={} command=\"{}\" upload={} done={}", phone_.Spec().name,
               Name(stage_), line, upload_.size(), done);
  console_ += done ? "" : words[0] + ": not done\n";
  return done;
}

bool Iboot::Refuse(Reason reason, std::string detail) {
  phone_.Refuse({reason, std::move(detail)});
  return false;
}

bool Iboot::LeaveFor(Event event) {
  leaving_ = true;
  phone_.Ask(event, boot_number_);
  return true;
}

bool Iboot::SetEnv(const Words& words) {
  if (!SetEnvForThisBoot(words)) return false;
  unsaved_.insert(words[1]);
  return true;
}

bool Iboot::SetEnvForThisBoot(const Words& words) {
  if (words.size() < 2) return false;
  std::string value;
  for (std::size_t i = 2; i < words.size(); ++i) value += (i > 2 ? " " : "") + words[i];
  environment_[words[1]] = value;
  return true;
}

bool Iboot::GetEnv(const Words& words) {
  if (words.size() != 2) return false;
  environment_["filesize"] = fmt::format("{:#x}", upload_.size());
  const auto found = environment_.find(words[1]);
  if (found != environment_.end()) result_ = found->second;
  return true;
}

// Only what a phone keeps over a boot; the rest of the environment is iBoot's own.
bool Iboot::SaveEnv(const Words& /*words*/) {
  phone_.ChangeAndSave([this](PhoneState& state) {
    for (const char* name : {"auto-boot", "boot-args"})
      if (unsaved_.erase(name) != 0) state.nvram[name] = environment_[name];
  });
  return true;
}

bool Iboot::Accept(const Words& /*words*/) { return true; }

std::optional<VerifiedImage> Iboot::TakeUpload(const Verifier::TypeTest& accepts) {
  image_ = std::exchange(upload_, {});
  auto image = JudgeImage(phone_, image_, accepts);
  if (!image) {
    RefuseImage(phone_, image.error());
    return std::nullopt;
  }
  if (stage_ == Stage::kIbec && phone_.State().boot.ticket_hash != image->ticket_hash) {
    RefuseImage(phone_,
                {Reason::kMixedTickets, image->type + " came with another ticket than iBEC"});
    return std::nullopt;
  }
  return std::move(*image);
}

bool Iboot::OnlyInIbec(const Words& words) {
  return stage_ == Stage::kIbec || Refuse(Reason::kOrder, words[0] + " before iBEC was started");
}

bool Iboot::Go(const Words& /*words*/) {
  if (stage_ == Stage::kIbec) return Refuse(Reason::kOrder, "go inside iBEC");
  const auto image = TakeUpload(Only("ibec"));
  if (!image) return false;
  phone_.Change([&](PhoneState& state) {
    state.boot = BootRecord();
    state.boot.ticket = image->ticket;
    state.boot.ticket_hash = image->ticket_hash;
  });
  return LeaveFor(Event::kRunIbec);
}

bool Iboot::SetPicture(const Words& /*words*/) {
  return upload_.empty() || TakeUpload(Only("rlgo")).has_value();
}

bool Iboot::LoadFirmware(const Words& words) {
  if (!OnlyInIbec(words)) return false;
  const auto image = TakeUpload(
      [](const std::string& type) { return !TypesWithTheirOwnCommand().contains(type); });
  if (!image) return false;
  if (image->type == "rtsc")
    phone_.Change([](PhoneState& state) { state.boot.trust_cache_loaded = true; });
  return true;
}

bool Iboot::LoadRamdisk(const Words& words) {
  if (!OnlyInIbec(words)) return false;
  const auto image = TakeUpload(Only("rdsk"));
  if (!image) return false;
  phone_.Change([&](PhoneState& state) {
    state.boot.ramdisk_loaded = true;
    state.boot.ramdisk = ReadMarker(image->data);
  });
  return true;
}

bool Iboot::LoadDeviceTree(const Words& words) {
  if (!OnlyInIbec(words)) return false;
  const auto image = TakeUpload(Only("rdtr"));
  if (!image) return false;
  phone_.Change([&](PhoneState& state) {
    state.boot.device_tree_loaded = true;
    state.boot.device_tree = ReadMarker(image->data);
  });
  return true;
}

bool Iboot::LoadSep(const Words& words) {
  if (!OnlyInIbec(words) || !TakeUpload(Only("rsep"))) return false;
  phone_.Change([](PhoneState& state) { state.boot.sep_loaded = true; });
  return true;
}

Refusal Iboot::MissingForBoot(const PhoneState& state, const VerifiedImage& kernel) const {
  if (!state.boot.ramdisk_loaded) return {Reason::kOrder, "bootx without ramdisk"};
  if (!state.boot.device_tree_loaded) return {Reason::kOrder, "bootx without device tree"};
  const auto ticket = ReadTicket(kernel.ticket);
  if (ticket && ticket->components.contains("rtsc") && !state.boot.trust_cache_loaded)
    return {Reason::kOrder, "bootx without the ramdisk's trust cache"};
  const auto arguments = environment_.find("boot-args");
  if (arguments == environment_.end() || arguments->second.find("rd=md0") == std::string::npos)
    return {Reason::kOrder, "boot-args do not name the ramdisk (rd=md0)"};
  return {};
}

bool Iboot::BootX(const Words& words) {
  if (!OnlyInIbec(words)) return false;
  const auto kernel = TakeUpload(Only("rkrn"));
  if (!kernel) return false;
  const PhoneState state = phone_.State();
  if (Refusal missing = MissingForBoot(state, *kernel); missing.reason != Reason::kNone) {
    phone_.Refuse(TracedBack(phone_, std::move(missing)));
    return false;
  }
  if (!state.boot.ramdisk || !state.boot.device_tree) {
    Refuse(Reason::kForeignRamdisk,
           "ramdisk or device tree were not forged by the rack: nothing to run");
    return LeaveFor(Event::kPanic);
  }
  return LeaveFor(phone_.Take(&PhoneFaults::panic_at_boot) ? Event::kPanic : Event::kRunKernel);
}

bool Iboot::Reboot(const Words& /*words*/) { return LeaveFor(Event::kReboot); }

}  // namespace rack
