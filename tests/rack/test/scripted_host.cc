#include "tests/rack/test/scripted_host.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "tests/rack/image4/digest.h"
#include "tests/rack/restore/asr.h"
#include "tests/rack/restore/assets.h"
#include "tests/rack/restore/fdr.h"
#include "tests/rack/restore/restored.h"
#include "tests/rack/signer/asset_keys.h"
#include "tests/rack/test/img4.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::seconds kQuestionPatience{3};
constexpr std::size_t kFilePiece = 8192;

Value Names(std::initializer_list<const char*> names) {
  Value dict = Value::Dict{};
  for (const char* name : names) dict.Set(name, true);
  return dict;
}

// What a client of 2026 announces (reference 6.4), as far as the rack's phones look at it.
Value CurrentOptions() {
  return Value::Dict{
      {"SupportedMessageTypes",
       Names({"AsyncDataRequestMsg", "AsyncWait", "CheckpointMsg", "DataRequestMsg", "ProgressMsg",
              "PreviousRestoreLogMsg", "ReceivedFinalStatusMsg", "RestoreAttestation",
              "RestoredCrash", "StatusMsg"})},
      {"SupportedDataTypes",
       Names({"BootabilityBundle", "BuildIdentityDict", "EANData", "FDRTrustData", "FUDData",
              "FirmwareUpdaterData", "HostSystemTime", "KernelCache", "NORData",
              "PersonalizedBootObjectV3", "PersonalizedData", "ReceiptManifest", "RootTicket",
              "SourceBootObjectV4", "SystemImageCanonicalMetadata", "SystemImageData",
              "SystemImageRootHash", "URLAsset"})},
      {"SupportedAsyncDataTypes",
       Names({"StreamedImageDecryptionKey", "SystemImageData", "URLAsset"})}};
}

Value AssetAnswer(const std::string& url) {
  const std::string key = AssetKeyAt(url);
  return Value::Dict{{"ResponseBody", Bytes(key.begin(), key.end())},
                     {"ResponseBodyDone", true},
                     {"ResponseHeaders", Value::Dict{{"Content-Type", "binary/octet-stream"}}},
                     {"ResponseStatus", 200}};
}

std::string LittleFrame(const Value& message) {
  const std::string body = message.ToBinary();
  std::string frame;
  for (unsigned shift = 0; shift < 32; shift += 8) frame += static_cast<char>(body.size() >> shift);
  return frame + body;
}

std::optional<Value> ReadLittleFrame(Stream& stream) {
  std::array<std::uint8_t, 4> size;
  if (!stream.ReadExact(size, kPatience)) return std::nullopt;
  Bytes body(size[0] | std::size_t{size[1]} << 8U);
  if (!stream.ReadExact(body, kPatience)) return std::nullopt;
  return Value::Parse(body).value_or(Value());
}

station::Fd DialLoopback(std::uint16_t port) {
  station::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return station::Fd();
  return fd;
}

// Carries one piece of the length the phone's probe has, each way.
void CarryOnce(Stream& from, Stream& to) {
  Bytes token(64);
  if (from.ReadExact(token, kPatience)) to.Write(token);
}

std::string LineOf(const Value& message) {
  const std::string type = message.Text("MsgType");
  if (type == "ProgressMsg")
    return fmt::format("{} {}", type, message.Number("Operation").value_or(0));
  if (type == "CheckpointMsg")
    return fmt::format("{} {} {}", type, message.Text("CHECKPOINT_NAME"),
                       message.Flag("CHECKPOINT_COMPLETE") ? "completed" : "begun");
  return type + " " + message.Text("DataType");
}

}  // namespace

ScriptedHost::ScriptedHost(RestoreModePhone& phone, TestFirmware firmware, Kind kind)
    : options(kind == Kind::kCurrent ? CurrentOptions() : Value()),
      phone_(phone),
      firmware_(std::move(firmware)),
      kind_(kind) {}

ScriptedHost::~ScriptedHost() {
  phone_.attachment.End();
  for (std::thread& thread : threads_) thread.join();
}

void ScriptedHost::Start(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  threads_.emplace_back(std::move(work));
}

// As the mux does it: the phone's side of the connection has a thread.
std::shared_ptr<Stream> ScriptedHost::Connect(std::uint16_t port) {
  const auto service = phone_.attachment.Find(port);
  int ends[2];
  if (!service || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return nullptr;
  const auto theirs = std::make_shared<Stream>(station::Fd(ends[0]));
  const auto ours = std::make_shared<Stream>(station::Fd(ends[1]));
  if (!phone_.attachment.Join(theirs) || !phone_.attachment.Join(ours)) return nullptr;
  Start([service, theirs] { service(theirs); });
  return ours;
}

std::optional<Value> ScriptedHost::Run() {
  const auto main = Connect(kRestoredPort);
  if (!main) return std::nullopt;
  if (proxy) Start([this] { ServeProxy(); });
  WriteFrame(*main, Value::Dict{{"Request", "QueryType"}});
  const auto type = ReadFrame(*main, kPatience);
  EXPECT_EQ(type.value_or(Value()).Text("Type"), "com.apple.mobile.restored");
  if (proxy)  // as clients do: the proxy stands before the restore begins
    while (!proxy_stands_) std::this_thread::yield();
  WriteFrame(*main, Value::Dict{{"Request", "StartRestore"},
                                {"RestoreOptions", options},
                                {"RestoreProtocolVersion", 15}});
  while (auto message = ReadFrame(*main, kPatience)) {
    messages_.push_back(*message);
    const std::string what = message->Text("MsgType");
    if (what == "StatusMsg") {
      if (message->Number("Status") == 0U)
        WriteFrame(*main, Value::Dict{{"MsgType", "ReceivedFinalStatusMsg"}});
      WriteFrame(*main, Value::Dict{{"Request", "Goodbye"}});
      return message;
    }
    if (what == "RestoreAttestation" && !unanswered.contains(what))
      WriteFrame(*main, Value::Dict{{"RestoreShouldAttest", false}});
    if (what == "DataRequestMsg") Answer(*main, *message);
    if (what == "AsyncDataRequestMsg")
      Start([this, main, request = *message] { Answer(*main, request); });
  }
  return std::nullopt;
}

std::vector<std::string> ScriptedHost::Heard() const {
  std::vector<std::string> lines;
  for (const Value& message : messages_) lines.push_back(LineOf(message));
  return lines;
}

bool ScriptedHost::HeardOf(const std::string& line) const {
  const std::vector<std::string> heard = Heard();
  return std::ranges::find(heard, line) != heard.end();
}

void ScriptedHost::Answer(Stream& main, const Value& request) {
  const std::string type = request.Text("DataType");
  const auto port = static_cast<std::uint16_t>(
      kind_ == Kind::kCurrent ? request.Number("DataPort").value_or(0) : 0);
  if (unanswered.contains(type)) return;
  if (type == "SystemImageData") return SendImage(port == 0 ? kAsrPort : port);
  if (port == 0) return AnswerOn(main, request);
  if (const auto connection = Connect(port)) AnswerOn(*connection, request);
}

void ScriptedHost::AnswerOn(Stream& stream, const Value& request) {
  const std::string type = request.Text("DataType");
  const Value* given = request.Find("Arguments");
  const Value arguments = given == nullptr ? Value() : *given;
  const std::string name = arguments.Text("ImageName");
  if (type == "SourceBootObjectV4")
    return SendFile(stream, name, firmware_.components.at(name).file);
  if (type == "PersonalizedBootObjectV3") return SendFile(stream, name, Signed(name));
  if (type == "BootabilityBundle") return SendRaw(stream, type);
  Value answer = AnswerTo(type, arguments);
  if (const auto change = spoil.find(type); change != spoil.end()) change->second(answer);
  WriteFrame(stream, answer);
}

Bytes ScriptedHost::Signed(const std::string& component) {
  return Stitch(firmware_.components.at(component).file, phone_.ticket);
}

Value ScriptedHost::AnswerTo(const std::string& type, const Value& arguments) {
  if (type == "RootTicket") return Value::Dict{{"RootTicketData", phone_.ticket}};
  if (type == "NORData") return Nor(arguments);
  if (type == "KernelCache") return Value::Dict{{"KernelCacheFile", Signed("KernelCache")}};
  if (type == "DeviceTree") return Value::Dict{{"DeviceTreeFile", Signed("DeviceTree")}};
  if (type == "SystemImageRootHash")
    return Value::Dict{{"SystemImageRootHashFile", Signed("SystemVolume")}};
  if (type == "SystemImageCanonicalMetadata")
    return Value::Dict{
        {"SystemImageCanonicalMetadataFile", Signed("Ap,SystemVolumeCanonicalMetadata")}};
  if (type == "FUDData") return Images(arguments, "FUDImageList", "FUDImageData", "IsFUDFirmware");
  if (type == "EANData")
    return Images(arguments, "EANImageList", "EANData", "IsEarlyAccessFirmware");
  if (type == "PersonalizedData")
    return Images(arguments, "ImageList", "ImageData", arguments.Text("ImageType"));
  if (type == "BuildIdentityDict")
    return Value::Dict{{"BuildIdentityDict", firmware_.Identity()},
                       {"Variant", arguments.Text("Variant", "Erase")}};
  if (type == "ReceiptManifest")
    return Value::Dict{{"ReceiptManifest", *firmware_.Identity().Find("Manifest")}};
  if (type == "URLAsset") return AssetAnswer(arguments.Text("RequestURL"));
  if (type == "HostSystemTime") return Value::Dict{{"SetHostTimeOnDevice", 1.7e9}};
  return Value();
}

Value ScriptedHost::Images(const Value& arguments, const std::string& list_key,
                           const std::string& data_key, const std::string& flag) {
  const std::vector<std::string> names = firmware_.Flagged(flag);
  if (arguments.Flag(list_key))
    return Value::Dict{{list_key, Value::Array(names.begin(), names.end())}};
  if (const std::string name = arguments.Text("ImageName"); !name.empty())
    return Value::Dict{{data_key, Signed(name)}, {"ImageName", name}};
  Value all = Value::Dict{};
  for (const std::string& name : names) all.Set(name, Signed(name));
  return Value::Dict{{data_key, std::move(all)}};
}

Value ScriptedHost::Nor(const Value& arguments) {
  Value answer = Value::Dict{{"LlbImageData", Signed("LLB")},
                             {"RestoreSEPImageData", Signed("RestoreSEP")},
                             {"SEPImageData", Signed("SEP")}};
  std::vector<std::string> names = firmware_.Flagged("IsFirmwarePayload");
  if (kind_ == Kind::kCurrent && arguments.Find("FlashVersion1") != nullptr) {
    Value list = Value::Dict{};
    for (const std::string& name : names) list.Set(name, Signed(name));
    answer.Set("NorImageData", std::move(list));
    return answer;
  }
  std::ranges::stable_partition(names, [](const std::string& n) { return n.starts_with("iBoot"); });
  Value::Array list;
  for (const std::string& name : names) list.emplace_back(Signed(name));
  answer.Set("NorImageData", std::move(list));
  return answer;
}

void ScriptedHost::SendFile(Stream& stream, const std::string& name, Bytes file) {
  if (const auto change = spoil_file.find(name); change != spoil_file.end()) change->second(file);
  for (std::size_t at = 0; at < file.size(); at += kFilePiece) {
    const auto piece = std::span(file).subspan(at, std::min(kFilePiece, file.size() - at));
    if (!WriteFrame(stream, Value::Dict{{"FileData", Bytes(piece.begin(), piece.end())}})) return;
    if (at != 0 || !ArchiveHeadSize(piece) || without_pause.contains(name)) continue;
    const auto question = ReadFrame(stream, kQuestionPatience);
    const Value* arguments = question ? question->Find("Arguments") : nullptr;
    if (arguments == nullptr) continue;
    Value answer = AssetAnswer(arguments->Text("RequestURL"));
    if (const auto change = spoil.find("URLAsset"); change != spoil.end()) change->second(answer);
    const auto port = static_cast<std::uint16_t>(question->Number("DataPort").value_or(0));
    if (const auto connection = Connect(port)) WriteFrame(*connection, answer);
  }
  WriteFrame(stream, Value::Dict{{"FileDataDone", true}});
}

void ScriptedHost::SendRaw(Stream& stream, const std::string& name) {
  Bytes file = firmware_.components.at(name).file;
  if (const auto change = spoil_file.find(name); change != spoil_file.end()) change->second(file);
  stream.Write(file);
  stream.Shutdown();
}

void ScriptedHost::SendImage(std::uint16_t port) {
  if (const auto stream = Connect(port)) SendAsrImage(*stream, firmware_.image, spoil_image);
}

void ScriptedHost::ServeProxy() {
  const auto control = Connect(kFdrPort);
  if (!control) return void(proxy_stands_ = true);
  control->Write(std::string("BeginCtrl\0", 10) +
                 LittleFrame(Value::Dict{{"Command", "BeginCtrl"}, {"CtrlProtoVersion", 0}}));
  const auto answer = ReadLittleFrame(*control);
  const auto port = answer ? answer->Number("ConnPort").value_or(0) : 0;
  EXPECT_NE(port, 0U);
  proxy_stands_ = true;
  std::array<std::uint8_t, 4> wish;
  while (control->ReadExact(wish) && wish[0] == 1)
    Start([this, port] { ServeProxied(static_cast<std::uint16_t>(port)); });
}

void ScriptedHost::ServeProxied(std::uint16_t port) {
  const auto stream = Connect(port);
  if (!stream) return;
  stream->Write(std::string_view("HelloConn\0", 10));
  if (!ReadLittleFrame(*stream)) return;
  std::array<std::uint8_t, 2> command;
  if (!stream->ReadExact(command, kPatience)) return;
  if (command[0] == 0xAA) {
    if (ReadLittleFrame(*stream)) stream->Write(LittleFrame(Value::Dict{{"Pong", true}}));
    return;
  }
  std::array<std::uint8_t, 1> no_authentication;
  if (!stream->ReadExact(no_authentication, kPatience)) return;
  stream->Write(std::string_view("\x05\x00", 2));
  std::array<std::uint8_t, 5> head;
  if (!stream->ReadExact(head, kPatience)) return;
  Bytes rest(std::size_t{head[4]} + 2);
  if (!stream->ReadExact(rest, kPatience)) return;
  const auto target = static_cast<std::uint16_t>(rest[rest.size() - 2] << 8U | rest.back());
  if (!carries) return stream->Shutdown();
  Stream server(DialLoopback(target));
  head[1] = 0;
  Bytes reply(head.begin(), head.end());
  reply.insert(reply.end(), rest.begin(), rest.end());
  if (!stream->Write(reply)) return;
  CarryOnce(*stream, server);
  CarryOnce(server, *stream);
}

}  // namespace rack
