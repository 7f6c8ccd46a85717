#include "tests/rack/test/side_host.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "tests/rack/forge/ftab.h"
#include "tests/rack/side/little_endian.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

// By updater: the flag, the prefix of components, and what MessageArgInfo's keys get before them.
struct Known {
  std::string_view updater;
  const char* flag;
  const char* prefix;
  const char* key_prefix = "";
};
constexpr auto kKnown = std::to_array<Known>({{"SE", "@SE,Ticket", "SE,"},
                                              {"Savage", "@Savage,Ticket", "Savage,"},
                                              {"Yonkers", "@Yonkers,Ticket", "Yonkers,"},
                                              {"Rose", "@Rap,Ticket", "Rap,"},
                                              {"T200", "@BMU,Ticket", "BMU,", "BMU,"}});

void Merge(Value& into, const Value& from) {
  for (const auto& [key, value] : *from.AsDict()) into.Set(key, value);
}

Value WithoutInfo(Value entry) {
  entry.Erase("Info");
  return entry;
}

// The request as a host of the 1.0.0 class builds it.
Value ClassicRequest(const Value& identity, const std::string& updater, const Value& info) {
  const Known& known = *std::ranges::find(kKnown, std::string_view(updater), &Known::updater);
  Value request = Value::Dict{{"@BBTicket", true}, {known.flag, true}};
  for (const auto& [key, value] : *info.AsDict()) request.Set(known.key_prefix + key, value);
  if (const auto board = identity.Number("BMU,BoardID"); board && updater == "T200")
    request.Set("BMU,BoardID", *board);
  const Value& manifest = *identity.Find("Manifest");
  request.Set("SEP", WithoutInfo(*manifest.Find("SEP")));
  for (const auto& [name, entry] : *manifest.AsDict())
    if (name.starts_with(known.prefix) && entry.Flag("EPRO", true))
      request.Set(name, WithoutInfo(entry));
  return request;
}

Value GeneratedRequest(const Value& identity, const Value& arguments) {
  Value request =
      Value::Dict{{"@BBTicket", true}, {"ApProductionMode", true}, {"ApSecurityMode", true}};
  for (const Value& tag :
       *arguments.Find("DeviceGeneratedTags")->Find("BuildIdentityTags")->AsArray())
    if (const Value* value = identity.Find(*tag.AsText())) request.Set(*tag.AsText(), *value);
  Merge(request, *arguments.Find("DeviceGeneratedRequest"));
  return request;
}

Bytes Ftab(const SideFirmware& firmware, const std::string& system, const std::string& restore) {
  std::map<std::string, Bytes> parts;
  for (const std::string& component : {system, restore})
    for (const char* tag : {"rkos", "sbd1", "rrko"})
      if (const auto part = FtabPart(firmware.File(component), tag))
        parts[tag] = Bytes(part->begin(), part->end());
  return WriteFtab(parts);
}

Bytes SavageData(const Bytes& patch) {
  Bytes data;
  Put32(data, 0);
  Put32(data, patch.size());
  data.resize(16);
  data.insert(data.end(), patch.begin(), patch.end());
  return data;
}

Bytes VeridianData(const SideFirmware& firmware) {
  Value map = Value::Parse(firmware.File("BMU,FirmwareMap")).value();
  map.Set("fw_map_digest",
          *firmware.Identity().Find("Manifest")->Find("BMU,FirmwareMap")->Find("Digest"));
  const std::string binary = map.ToBinary();
  return {binary.begin(), binary.end()};
}

// FirmwareData by updater; nothing where none belongs to the answer.
Value FirmwareData(const SideFirmware& firmware, const std::string& updater) {
  if (updater == "SE") return firmware.File("SE,UpdatePayload");
  if (updater == "Savage") return SavageData(firmware.File("Savage,B2-Prod-Patch"));
  if (updater == "Yonkers")
    return Value::Dict{{"YonkersFirmware", firmware.File("Yonkers,SysTopPatch1")}};
  if (updater == "Rose") return Ftab(firmware, "Rap,RTKitOS", "Rap,RestoreRTKitOS");
  if (updater == "T200") return VeridianData(firmware);
  if (updater == "AppleTCON") return firmware.File("Baobab,TCON");
  if (updater == "AppleTypeCRetimer")
    return Ftab(firmware, "Timer,RTKitOS,1", "Timer,RestoreRTKitOS,1");
  return Value();
}

// Writes a blob over the end of a file; of an .fls, over the end of its code element.
void PutBlob(Bytes& file, const Bytes& blob) {
  std::size_t end = file.size();
  if (LittleAt(file, 0) == 0x0CU) end = *LittleAt(file, 4);
  std::ranges::copy(blob, file.begin() + static_cast<std::ptrdiff_t>(end - blob.size()));
}

// The ticket before the data of the code element, filled up with FF.
Bytes InsertTicket(const Bytes& fls, Bytes ticket) {
  ticket.resize((ticket.size() + 3) / 4 * 4, 0xFF);
  Bytes out = fls;
  out.insert(out.begin() + 40, ticket.begin(), ticket.end());
  for (const std::size_t at : {4U, 0x1CU}) {
    Bytes size;
    Put32(size, *LittleAt(fls, at) + ticket.size());
    std::ranges::copy(size, out.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return out;
}

const std::map<std::string, std::string>& FileNames() {
  static const std::map<std::string, std::string> names = {
      {"SBL1", "sbl1.mbn"},      {"RestoreSBL1", "restoresbl1.mbn"},
      {"PSI", "psi_ram.bin"},    {"RestorePSI", "restorepsi.bin"},
      {"RamPSI", "psi_ram.fls"}, {"FlashPSI", "psi_flash.fls"}};
  return names;
}

}  // namespace

Value SideHost::Sign(Value wanted) {
  if (request) request(wanted);
  const std::string text = TestSigner().Answer(wanted, {});
  const std::size_t at = text.find("<?xml");
  EXPECT_NE(at, std::string::npos) << text;
  Value signed_answer = at == std::string::npos ? Value() : Value::Parse(text.substr(at)).value();
  if (answer) answer(signed_answer);
  return signed_answer;
}

Value SideHost::UpdaterData(const Value& arguments) {
  std::string updater = arguments.Text("MessageArgUpdaterName");
  const Value* info = arguments.Find("MessageArgInfo");
  if (const Value* yonkers = info->Find("YonkersDeviceInfo")) {
    updater = "Yonkers";
    info = yonkers;
  }
  Value reply = Sign(arguments.Find("DeviceGeneratedRequest") != nullptr
                         ? GeneratedRequest(firmware_.Identity(), arguments)
                         : ClassicRequest(firmware_.Identity(), updater, *info));
  const Value data = FirmwareData(firmware_, updater);
  const bool there = data.AsDict() == nullptr || !data.AsDict()->empty();
  if (!silent_on_data && there) reply.Set("FirmwareData", data);
  if (response) response(reply);
  return Value::Dict{{"FirmwareResponseData", std::move(reply)}};
}

Value SideHost::BasebandData(const Value& arguments) {
  Value wanted = Value::Dict{{"@BBTicket", true},
                             {"ApECID", 1},
                             {"BbChipID", *arguments.Find("ChipID")},
                             {"BbGoldCertId", *arguments.Find("CertID")},
                             {"BbSNUM", *arguments.Find("ChipSerialNo")}};
  const Value* nonce = arguments.Find("Nonce");
  if (nonce != nullptr) wanted.Set("BbNonce", *nonce);
  wanted.Set("BasebandFirmware",
             WithoutInfo(*firmware_.Identity().Find("Manifest")->Find("BasebandFirmware")));
  const Value reply = Sign(std::move(wanted));
  ZipMembers members = *ReadZip(firmware_.File("BasebandFirmware"));
  std::set<std::string> kept;
  for (const auto& [key, blob] : *reply.Find("BasebandFirmware")->AsDict()) {
    const std::string& file = FileNames().at(key.substr(0, key.find('-')));
    PutBlob(members.at(file), *blob.AsBytes());
    kept.insert(file);
  }
  if (nonce == nullptr) {
    std::erase_if(members, [&](const auto& member) {
      return !kept.contains(member.first) || member.first == "psi_flash.fls";
    });
  } else {
    std::erase_if(members, [](const auto& member) { return member.first.ends_with(".plist"); });
    const Bytes& ticket = *reply.Data("BBTicket");
    if (members.contains("ebl.fls"))
      members["ebl.fls"] = InsertTicket(members["ebl.fls"], ticket);
    else
      members["bbticket.der"] = ticket;
    if (files) files(members);
  }
  return Value::Dict{{"BasebandData", WriteZip(members)}};
}

Value SideHost::Serve(const Value& message) {
  asked.push_back(message);
  const std::string type = message.Text("DataType");
  const Value* arguments = message.Find("Arguments");
  if (type == "FirmwareUpdaterData") return UpdaterData(*arguments);
  if (type == "BasebandData") return BasebandData(*arguments);
  if (type == "BuildIdentityDict") return Value::Dict{{"BuildIdentityDict", firmware_.Identity()}};
  return Value();
}

SideBench::SideBench(const SideFirmware& firmware, SideHost& host, bool modern,
                     const std::string& product, const std::string& build)
    : host_(host) {
  auto spec = ParseCart("phones: [{port: \"1-1\", product: \"" + product + "\", ecid: \"0x1\"}]",
                        "", TestProducts())
                  ->front();
  spec.data_ports = modern;
  phone_ = std::make_unique<Phone>(std::move(spec), TestRoot(), "");
  fdr_ = std::make_unique<FdrControl>(*phone_, attachment_);
  HostAbilities abilities;
  abilities.modern = modern;
  for (const char* type :
       {"FirmwareUpdaterData", "FirmwareUpdaterPreflight", "BuildIdentityDict", "BasebandData"})
    abilities.data_types.Set(type, false);
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  stream_ = std::make_unique<Stream>(station::Fd(ends[0]));
  dialogue_ = std::make_unique<Dialogue>(*phone_, *stream_, attachment_, std::move(abilities));
  BootRecord boot;
  boot.ramdisk = firmware.ramdisk;
  boot.ramdisk->build = build;
  run_ = std::unique_ptr<RestoreRun>(new RestoreRun{*phone_,
                                                    attachment_,
                                                    *fdr_,
                                                    *dialogue_,
                                                    std::move(boot),
                                                    Ticket(),
                                                    {},
                                                    std::atoi(VersionForBuild(build).c_str()),
                                                    nullptr,
                                                    {},
                                                    {},
                                                    {}});
  thread_ = std::thread([this, fd = ends[1]] { ServeHost(fd); });
}

SideBench::~SideBench() {
  if (thread_.joinable()) (void)Told();
}

void SideBench::ServeHost(int fd) {
  Stream stream{station::Fd(fd)};
  while (const auto message = ReadFrame(stream, kPatience)) {
    if (message->Text("MsgType") != "DataRequestMsg") {
      told_.push_back(*message);
      continue;
    }
    const Value reply = host_.Serve(*message);
    const auto port = message->Number("DataPort");
    if (!port) {
      WriteFrame(stream, reply);
      continue;
    }
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    attachment_.Find(static_cast<std::uint16_t>(*port))(
        std::make_shared<Stream>(station::Fd(ends[0])));
    Stream ours{station::Fd(ends[1])};
    WriteFrame(ours, reply);
    std::array<std::uint8_t, 1> end;
    (void)ours.ReadSome(end, kPatience);  // until the phone has closed it
  }
}

std::vector<Value> SideBench::Told() {
  stream_->Shutdown();
  if (thread_.joinable()) thread_.join();
  return told_;
}

}  // namespace rack
