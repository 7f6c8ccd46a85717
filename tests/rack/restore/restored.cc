#include "tests/rack/restore/restored.h"

#include <map>

#include "tests/rack/restore/fdr.h"
#include "tests/rack/restore/story.h"

namespace rack {
namespace {

constexpr std::uint64_t kProtocolVersion = 15;
constexpr std::chrono::seconds kLastWords{2};        // Goodbye after the final status
constexpr std::chrono::seconds kFailureSilence{35};  // hosts read on for 30 s after a failure

Value QueryType(const Phone& phone) {
  return Value::Dict{{"Type", "com.apple.mobile.restored"},
                     {"RestoreProtocolVersion", kProtocolVersion},
                     {"HardwareModel", phone.Spec().product.board},
                     {"SerialNumber", phone.Spec().serial},
                     {"Result", "Success"}};
}

Value QueryValue(const Phone& phone, const std::string& key) {
  const Product& product = phone.Spec().product;
  if (key == "HardwareInfo")
    return Value::Dict{{key, Value::Dict{{"BoardID", std::uint64_t{product.board_id}},
                                         {"ChipID", std::uint64_t{product.chip}},
                                         {"UniqueChipID", phone.Spec().ecid.value},
                                         {"ProductionMode", true},
                                         {"SupportsImage4", true}}}};
  if (key == "SavedDebugInfo")
    return Value::Dict{{key, Value::Dict{{"PreviousExitStatus", "0x100"}}}};
  return Value::Dict{{"Result", "Failure"}};
}

Value AnswerTo(const Phone& phone, const std::string& name, const Value& request) {
  if (name == "QueryType") return QueryType(phone);
  if (name == "QueryValue") return QueryValue(phone, request.Text("QueryKey"));
  if (name == "Goodbye" || name == "Reboot") return Value::Dict{{"Result", "Success"}};
  return Value::Dict{{"Result", "Failure"}, {"Error", "unrecognized request '" + name + "'"}};
}

// Answers until Goodbye, the end of the connection, or `patience` without a word.
void AnswerRequests(Phone& phone, Stream& stream, std::chrono::milliseconds patience) {
  while (const auto request = ReadFrame(stream, patience)) {
    const std::string name = request->Text("Request");
    if (name.empty()) continue;
    if (!WriteFrame(stream, AnswerTo(phone, name, *request)) || name == "Goodbye") return;
  }
}

void Restore(Phone& phone, Attachment& attachment, FdrControl& fdr, Stream& stream,
             const Value& request) {
  Dialogue dialogue(phone, stream, attachment, AbilitiesFrom(request));
  RestoreStory story(phone, attachment, fdr, dialogue);
  const bool succeeded = story.Run();
  AnswerRequests(phone, stream, succeeded ? kLastWords : kFailureSilence);
  story.Leave(succeeded);
}

void ServeConnection(Phone& phone, Attachment& attachment, FdrControl& fdr, Stream& stream) {
  stream.SetTap(phone.TapFor("restored"));
  while (const auto request = ReadFrame(stream)) {
    const std::string name = request->Text("Request");
    if (name == "StartRestore") return Restore(phone, attachment, fdr, stream, *request);
    if (!WriteFrame(stream, AnswerTo(phone, name, *request)) || name == "Goodbye") return;
    if (name == "Reboot") phone.Ask(Event::kReboot, phone.State().boot_number);
  }
}

}  // namespace

void ServeRestoreMode(Phone& phone, Attachment& attachment) {
  // Shared by the services of this stay, whose last connection may end after it.
  const auto fdr = std::make_shared<FdrControl>(phone, attachment);
  attachment.Serve(kFdrPort, [&phone, fdr](const std::shared_ptr<Stream>& stream) {
    stream->SetTap(phone.TapFor("fdr"));
    fdr->Serve(stream);
  });
  attachment.Serve(kRestoredPort,
                   [&phone, &attachment, fdr](const std::shared_ptr<Stream>& stream) {
                     ServeConnection(phone, attachment, *fdr, *stream);
                   });
}

}  // namespace rack
