#include "tests/rack/test/boot_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tests/rack/image4/components.h"
#include "tests/rack/image4/payload.h"
#include "tests/rack/recovery/dfu.h"

namespace rack {
namespace {

constexpr std::uint64_t kEcid = 0xABC;

std::string MakeFolder() {
  std::string pattern = "/tmp/rackb-XXXXXX";
  return mkdtemp(pattern.data());
}

PhoneSpec SpecOf(const std::string& product, StartMode mode) {
  const std::string line = fmt::format(
      "phones: [{{port: \"1-1\", product: \"{}\", ecid: \"{:#x}\", mode: {}, ask_fud: true, "
      "dfu_nonce_changes: true, timing: {{leave: 0, gap: 0, restore_boot: 0, finish: 0, flash: "
      "0}}}}]",
      product, kEcid, mode == StartMode::kDfu ? "dfu" : "recovery");
  return ParseCart(line, "", TestProducts())->front();
}

std::string BoardOf(const Product& product) {
  std::string board = product.board;
  std::ranges::transform(board, board.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return board;
}

Bytes Marked(const char* type, const Marker& marker) {
  Bytes data = WriteMarker(marker);
  data.resize(data.size() + 500, 'x');
  return WritePayload(type, "test", data);
}

Bytes Patterned(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13U);
  return bytes;
}

std::map<std::string, BootBench::Part> PartsFor(const Product& product,
                                                const std::string& behaviour) {
  std::map<std::string, BootBench::Part> parts;
  std::uint8_t fill = 0;
  for (const char* name :
       {"iBSS", "iBEC", "RestoreLogo", "RestoreTrustCache", "RestoreSEP", "RestoreKernelCache",
        "KernelCache", "DeviceTree", "SEP", "LLB", "iBoot", "AppleLogo", "AOP", "SystemVolume"}) {
    const std::string type = TicketName(name);
    parts[name] = {type, WritePayload(type, "test", Bytes(700, ++fill))};
  }
  parts["OS"] = {"rosi", Patterned(16 * 131072)};
  Marker marker;
  marker.behaviour = behaviour;
  marker.build = "19H999";
  marker.version = "15.8";
  for (const auto& [name, part] : parts) marker.components[BoardOf(product)].insert(name);
  parts["RestoreRamDisk"] = {"rdsk", Marked("rdsk", marker)};
  marker.behaviour.clear();
  marker.board = BoardOf(product);
  parts["RestoreDeviceTree"] = {"rdtr", Marked("rdtr", marker)};
  return parts;
}

// What clients do, from iBoot or the boot ROM to the kernel (reference 2.4, 2.7).
std::vector<BootBench::Move> WholeBoot(StartMode mode) {
  std::vector<BootBench::Move> moves = {
      {"iBEC", "go"},
      {"", "setenv auto-boot false"},
      {"", "saveenv"},
      {"RestoreLogo", "setpicture 4"},
      {"RestoreTrustCache", "firmware"},
      {"RestoreRamDisk", "ramdisk"},
      {"RestoreDeviceTree", "devicetree"},
      {"RestoreSEP", "rsepfirmware"},
      {"", "setenv boot-args rd=md0 nand-enable-reformat=1 -progress"},
      {"RestoreKernelCache", "bootx"}};
  if (mode == StartMode::kDfu) moves.insert(moves.begin(), {"iBSS", "dfu"});
  return moves;
}

std::map<std::string, Bytes> ValuesOf(const PropertySet& set) {
  std::map<std::string, Bytes> values;
  for (const auto& [name, element] : set.All())
    values[name] = Bytes(element.whole.begin(), element.whole.end());
  return values;
}

}  // namespace

TicketPlan TicketPlan::Of(const Bytes& bytes, const Generation& signer) {
  const Ticket ticket = ReadTicket(bytes).value();
  TicketPlan plan;
  plan.signer = signer;
  plan.identity = ValuesOf(ticket.identity);
  for (const auto& [type, component] : ticket.components)
    plan.components[type] = ValuesOf(component);
  for (const der::Span certificate : ticket.certificates)
    plan.certificates.emplace_back(certificate.begin(), certificate.end());
  return plan;
}

Bytes TicketPlan::WriteBody(const TicketPlan& plan) {
  std::map<std::string, Bytes> components;
  for (const auto& [type, properties] : plan.components)
    components[type] = WriteKeyedSet(type, properties);
  return WriteManifestBody(WriteKeyedSet("MANP", plan.identity), components);
}

Bytes TicketPlan::Sign() const {
  const Bytes body = write_body(*this);
  return WriteTicket(body, TestSigner().Keys().Sign(body, signer), certificates);
}

BootBench::BootBench(const std::string& product, StartMode mode, const std::string& behaviour)
    : moves(WholeBoot(mode)),
      folder_(MakeFolder()),
      bus_(folder_),
      phone_(SpecOf(product, mode), TestRoot(), ""),
      presence_(phone_, Host{bus_, &devices_}) {
  parts = PartsFor(GetProduct(), behaviour);
}

BootBench::~BootBench() {
  phone_.Stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Value BootBench::Request() const {
  const PhoneState state = phone_.State();
  Value request = Value::Dict{{"@ApImg4Ticket", true},
                              {"ApECID", kEcid},
                              {"ApChipID", std::uint64_t{GetProduct().chip}},
                              {"ApBoardID", std::uint64_t{GetProduct().board_id}},
                              {"ApSecurityDomain", 1},
                              {"ApProductionMode", true},
                              {"ApSecurityMode", true},
                              {"ApNonce", state.ap_nonce},
                              {"SepNonce", state.sep_nonce},
                              {"UniqueBuildID", Bytes(20)}};
  for (const auto& [name, part] : parts)
    request.Set(
        name, Value::Dict{{"Digest", Hash(GetGeneration().hash, part.payload)}, {"Trusted", true}});
  return request;
}

Bytes BootBench::NewTicket() const { return TestSigner().Sign(Request()); }

void BootBench::TakeTicket() {
  Value request = Request();
  spoil_request(request);
  TicketPlan plan = TicketPlan::Of(TestSigner().Sign(request), GetGeneration());
  spoil_plan(plan);
  ticket_ = plan.Sign();
  spoil_ticket(ticket_);
}

void BootBench::Boot() {
  TakeTicket();
  before_moves(*this);
  for (const Move& move : moves) {
    if (Play(move)) continue;
    refused_ = move.command;
    break;
  }
  Settle();
}

bool BootBench::Play(const Move& move) {
  if (move.command == "dfu") return Download(move.component);
  const PhoneState state = phone_.State();
  if (state.boot_number != iboot_boot_) {
    iboot_ = std::make_unique<Iboot>(phone_, state.stage);
    iboot_boot_ = state.boot_number;
  }
  if (!move.component.empty()) Upload(*iboot_, move.component);
  const std::string command = move.command + '\0';
  if (!iboot_->Control({0x40, 0, 0, 0, 0}, AsBytes(command))) return false;
  if (move.command == "go" || move.command == "reboot") Settle();
  return true;
}

Bytes BootBench::ImageOf(const std::string& component) {
  Bytes img4 = Stitch(parts.at(component).payload, ticket_);
  if (const auto spoil = spoil_image.find(component); spoil != spoil_image.end())
    spoil->second(img4);
  return img4;
}

// Blocks, the empty one, two questions, the port reset (reference 2.6).
bool BootBench::Download(const std::string& component) {
  const Bytes nonce = State().ap_nonce;
  BootRom rom(phone_);
  const Bytes img4 = ImageOf(component);
  constexpr std::size_t kBlock = 0x800;
  for (std::size_t at = 0; at < img4.size(); at += kBlock)
    (void)rom.Control({0x21, 1, static_cast<std::uint16_t>(at / kBlock), 0, 0},
                      std::span(img4).subspan(at, std::min(kBlock, img4.size() - at)));
  (void)rom.Control({0x21, 1, 0, 0, 0}, {});
  for (int question = 0; question < 2; ++question) (void)rom.Control({0xA1, 3, 0, 0, 6}, {});
  rom.PortReset();
  Settle();
  if (State().stage != Stage::kIbss) return false;
  if (State().ap_nonce != nonce && asks_again) TakeTicket();
  return true;
}

void BootBench::Upload(Iboot& iboot, const std::string& component) {
  const Bytes img4 = ImageOf(component);
  (void)iboot.Control({0x41, 0, 0, 0, 0}, {});
  constexpr std::size_t kTransfer = 0x8000;
  for (std::size_t at = 0; at < img4.size(); at += kTransfer)
    (void)iboot.BulkOut(4, std::span(img4).subspan(at, std::min(kTransfer, img4.size() - at)));
}

void BootBench::Ask(Event event) { phone_.Ask(event, phone_.State().boot_number).wait(); }

// Requests are carried out in order; plugging in a phone that is plugged in does nothing.
void BootBench::Settle() { phone_.Ask(Phone::Wish::Kind::kPlug).wait(); }

std::shared_ptr<Attachment> BootBench::RestorePorts() const {
  const auto listed = devices_.List();
  return phone_.State().stage == Stage::kRestore && !listed.empty() ? listed.front().attachment
                                                                    : nullptr;
}

BootBench::Move& BootBench::MoveOf(const std::string& component) {
  return *std::ranges::find(moves, component, &Move::component);
}

}  // namespace rack
