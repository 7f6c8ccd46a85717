#include "tests/rack/model/recorder.h"

#include <fmt/format.h>

#include <cmath>

#include "station/base/ids.h"
#include "tests/rack/image4/der.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/wire/json.h"

namespace rack {
namespace {

constexpr std::size_t kLongestText = 400;
constexpr std::size_t kLongestMessage = 256U << 10U;  // a build identity has a quarter of that
constexpr int kDeepestShown = 2;

std::string Shown(const Value& value, int depth);

// {size, sha256} and {size, sha256, im4p} are shown by their size.
std::optional<std::uint64_t> SizeOfPayload(const Value& value) {
  if (value.AsDict() == nullptr || value.AsDict()->size() > 3) return std::nullopt;
  return value.Find("sha256") == nullptr ? std::nullopt : value.Number("size");
}

std::string ShownDict(const Value::Dict& dict, int depth) {
  if (depth >= kDeepestShown) return dict.empty() ? "{}" : fmt::format("{{{} keys}}", dict.size());
  std::string out;
  for (const auto& [key, value] : dict)
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", key, Shown(value, depth + 1));
  return depth == 0 ? out : "{" + out + "}";
}

std::string Shown(const Value& value, int depth) {
  if (const auto* flag = value.AsBool()) return *flag ? "yes" : "no";
  if (const auto* number = value.AsNumber())
    return std::to_string(static_cast<std::int64_t>(*number));
  if (const auto* real = value.AsReal()) return fmt::format("{}", *real);
  if (const auto* text = value.AsText()) return *text;
  if (const auto* array = value.AsArray()) return fmt::format("[{}]", array->size());
  if (const auto size = SizeOfPayload(value)) return fmt::format("<{} bytes>", *size);
  return value.AsDict() == nullptr ? "?" : ShownDict(*value.AsDict(), depth);
}

// The IM4P in an IMG4: what a host sends apart from the ticket.
std::optional<std::span<const std::uint8_t>> PayloadOf(std::span<const std::uint8_t> bytes) {
  const auto image = der::Whole(bytes, der::Tag::kSequence);
  if (!image) return std::nullopt;
  der::Reader reader(image->content);
  if (reader.NextText() != "IMG4") return std::nullopt;
  const auto payload = reader.Next(der::Tag::kSequence);
  return payload ? std::optional(payload->whole) : std::nullopt;
}

std::string Sha256(std::span<const std::uint8_t> bytes) {
  return station::ToHex(Hash(HashKind::kSha256, bytes));
}

Value Bounded(Value message) {
  const std::size_t size = ToJson(message).size();
  return size <= kLongestMessage ? message : Value::Dict{{"left_out", std::uint64_t{size}}};
}

Value AsValue(const RecordedEvent& event) {
  return Value::Dict{{"at", event.at},
                     {"boot", event.boot},
                     {"stage", event.stage},
                     {"channel", event.channel},
                     {"direction", event.toward == Toward::kPhone ? "to phone" : "to host"},
                     {"kind", event.kind},
                     {"message", event.what}};
}

RecordedEvent AsEvent(const Value& value) {
  const Value* at = value.Find("at");
  const double* real = at == nullptr ? nullptr : at->AsReal();
  return {.at = real != nullptr ? *real : static_cast<double>(value.Number("at").value_or(0)),
          .boot = value.Number("boot").value_or(0),
          .stage = value.Text("stage"),
          .channel = value.Text("channel"),
          .toward = value.Text("direction") == "to phone" ? Toward::kPhone : Toward::kHost,
          .kind = value.Text("kind"),
          .what = *value.Find("message")};
}

}  // namespace

Recorder::Recorder(std::filesystem::path file, std::uint64_t largest)
    : file_(std::move(file)), largest_(largest) {
  if (!On()) return;
  std::error_code error;
  std::filesystem::create_directories(file_.parent_path(), error);
  size_ = std::filesystem::file_size(file_, error);
  if (error) size_ = 0;
  out_.open(file_, std::ios::app);
}

void Recorder::Rotate() {
  out_.close();
  std::error_code error;
  std::filesystem::rename(file_, file_.string() + ".before", error);
  out_.open(file_, std::ios::trunc);
  size_ = 0;
}

void Recorder::Note(RecordedEvent event, const Value& message) {
  if (!On()) return;
  event.what = Bounded(WithoutPayload(message));
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> at = std::chrono::steady_clock::now() - started_;
  event.at = std::round(at.count() * 1000) / 1000;
  const std::string line = ToJson(AsValue(event)) + "\n";
  if (size_ + line.size() > largest_) Rotate();
  out_ << line << std::flush;
  size_ += line.size();
}

Value PayloadNote(std::span<const std::uint8_t> bytes) {
  Value note = Value::Dict{{"size", std::uint64_t{bytes.size()}}, {"sha256", Sha256(bytes)}};
  if (const auto payload = PayloadOf(bytes)) note.Set("im4p", Sha256(*payload));
  return note;
}

Value WithoutPayload(const Value& value) {
  if (const auto* bytes = value.AsBytes()) return PayloadNote(*bytes);
  if (const auto* text = value.AsText(); text != nullptr && text->size() > kLongestText)
    return fmt::format("{}... ({} in all)", text->substr(0, kLongestText), text->size());
  if (const auto* array = value.AsArray()) {
    Value::Array out;
    for (const Value& item : *array) out.push_back(WithoutPayload(item));
    return out;
  }
  if (value.AsDict() == nullptr) return value;
  Value::Dict out;
  for (const auto& [key, item] : *value.AsDict()) out.emplace_back(key, WithoutPayload(item));
  return out;
}

std::vector<RecordedEvent> ReadRecording(const std::filesystem::path& file) {
  std::vector<RecordedEvent> events;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto read = ParseJson(line);
    if (!read || read->Find("message") == nullptr) continue;
    events.push_back(AsEvent(*read));
  }
  return events;
}

std::string Line(const RecordedEvent& event) {
  return fmt::format("{:<16} {} {:<9} {}", event.channel,
                     event.toward == Toward::kPhone ? ">" : "<", event.kind, Shown(event.what, 0));
}

}  // namespace rack
