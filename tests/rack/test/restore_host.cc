#include "tests/rack/test/restore_host.h"

#include <sys/socket.h>

#include "tests/rack/restore/asr.h"
#include "tests/rack/restore/restored.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr const char* kFud = "AOP";

Value Names(const std::set<std::string>& names) {
  Value dict = Value::Dict{};
  for (const std::string& name : names) dict.Set(name, true);
  return dict;
}

}  // namespace

RestoreHost::~RestoreHost() {
  if (ports_) ports_->End();
  for (std::thread& thread : threads_) thread.join();
}

// As the mux does it: the phone's side of the connection has a thread.
std::shared_ptr<Stream> RestoreHost::Connect(std::uint16_t port) {
  const auto service = ports_->Find(port);
  int ends[2];
  if (!service || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return nullptr;
  const auto theirs = std::make_shared<Stream>(station::Fd(ends[0]));
  const auto ours = std::make_shared<Stream>(station::Fd(ends[1]));
  if (!ports_->Join(theirs) || !ports_->Join(ours)) return nullptr;
  threads_.emplace_back([service, theirs] { service(theirs); });
  return ours;
}

Bytes RestoreHost::Signed(const std::string& component) const {
  return Stitch(bench_.parts.at(component).payload, bench_.BootTicket());
}

Value RestoreHost::Options() const {
  if (announces.empty()) return Value();
  std::set<std::string> types = {"DeviceTree", "FDRTrustData", "FUDData",        "KernelCache",
                                 "NORData",    "RootTicket",   "SystemImageData"};
  types.insert(announces.begin(), announces.end());
  return Value::Dict{{"SupportedMessageTypes",
                      Names({"CheckpointMsg", "DataRequestMsg", "ProgressMsg", "StatusMsg"})},
                     {"SupportedDataTypes", Names(types)}};
}

Value RestoreHost::Run() {
  ports_ = bench_.RestorePorts();
  const auto main = ports_ ? Connect(kRestoredPort) : nullptr;
  if (!main) return Value();
  WriteFrame(*main, Value::Dict{{"Request", "StartRestore"},
                                {"RestoreOptions", Options()},
                                {"RestoreProtocolVersion", 15}});
  const Value status = Talk(*main);
  main->Shutdown();
  threads_.front().join();  // the working connection: then the phone has asked to leave
  threads_.pop_front();
  bench_.Settle();
  return status;
}

Value RestoreHost::Talk(Stream& main) {
  while (auto message = ReadFrame(main, kPatience)) {
    const std::string what = message->Text("MsgType");
    if (what == "StatusMsg") {
      if (message->Number("Status") == 0U)
        WriteFrame(main, Value::Dict{{"MsgType", "ReceivedFinalStatusMsg"}});
      return *message;
    }
    if (what == "DataRequestMsg" && !Answer(main, *message)) break;
  }
  return Value();
}

bool RestoreHost::Answer(Stream& main, const Value& request) {
  const std::string type = request.Text("DataType");
  if (type == leaves_at) return false;
  if (type == "SystemImageData") {
    SendImage();
    return true;
  }
  const Value* arguments = request.Find("Arguments");
  Value answer = AnswerTo(type, arguments == nullptr ? Value() : *arguments);
  if (const auto change = spoil.find(type); change != spoil.end()) change->second(answer);
  const auto port = static_cast<std::uint16_t>(request.Number("DataPort").value_or(0));
  if (port == 0) return WriteFrame(main, answer);
  const auto connection = Connect(port);
  return connection && WriteFrame(*connection, answer);
}

Value RestoreHost::AnswerTo(const std::string& type, const Value& arguments) const {
  if (type == "RootTicket") return Value::Dict{{"RootTicketData", bench_.BootTicket()}};
  if (type == "NORData")
    return Value::Dict{{"LlbImageData", Signed("LLB")},
                       {"NorImageData", Value::Array{Signed("iBoot"), Signed("AppleLogo")}},
                       {"RestoreSEPImageData", Signed("RestoreSEP")},
                       {"SEPImageData", Signed("SEP")}};
  if (type == "KernelCache") return Value::Dict{{"KernelCacheFile", Signed("KernelCache")}};
  if (type == "DeviceTree") return Value::Dict{{"DeviceTreeFile", Signed("DeviceTree")}};
  if (type == "SystemImageRootHash")
    return Value::Dict{{"SystemImageRootHashFile", Signed("SystemVolume")}};
  if (type != "FUDData") return Value();
  if (arguments.Flag("FUDImageList")) return Value::Dict{{"FUDImageList", Value::Array{kFud}}};
  if (!arguments.Text("ImageName").empty())
    return Value::Dict{{"FUDImageData", Signed(kFud)}, {"ImageName", kFud}};
  return Value::Dict{{"FUDImageData", Value::Dict{{kFud, Signed(kFud)}}}};
}

void RestoreHost::SendImage() {
  if (const auto stream = Connect(kAsrPort))
    SendAsrImage(*stream, bench_.parts.at("OS").payload, image);
}

}  // namespace rack
