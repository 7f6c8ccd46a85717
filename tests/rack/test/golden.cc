#include "tests/rack/test/golden.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>

namespace rack {
namespace {

using Lines = std::vector<std::string>;

constexpr int kRestoringImage = 13;
constexpr auto kInAnyOrder = std::to_array<std::string_view>({"data", "beside"});
// Arguments whose text tells one request from another.
constexpr auto kShownArguments =
    std::to_array<std::string_view>({"ImageName", "ImageType", "MessageArgUpdaterName", "Variant"});

bool Among(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool IsPayload(const Value& value) {
  return value.Find("sha256") != nullptr && value.Find("size") != nullptr;
}

std::string Shape(const Value& value) {
  if (value.AsArray() != nullptr) return "[]";
  return value.AsDict() != nullptr && !IsPayload(value) ? "{}" : "";
}

std::string Keys(const Value& message) {
  std::string keys;
  for (const auto& [key, value] : *message.AsDict())
    keys += (keys.empty() ? "" : " ") + key + Shape(value);
  return "{" + keys + "}";
}

std::string Arguments(const Value& message) {
  const Value* arguments = message.Find("Arguments");
  std::string text;
  if (arguments != nullptr && arguments->AsDict() != nullptr)
    for (const auto& [key, value] : *arguments->AsDict())
      text += Among(kShownArguments, key) && value.AsText() != nullptr
                  ? fmt::format(" {}={}", key, *value.AsText())
                  : " " + key;
  return text + (message.Find("DataPort") != nullptr ? " (port)" : "");
}

std::string Percentage(const Value& message) {
  const auto percent = static_cast<std::int64_t>(message.Number("Progress").value_or(0));
  return fmt::format(" {}{}", message.Number("Operation").value_or(0), percent < 0 ? "" : " %");
}

std::string CheckpointWords(const Value& message) {
  const bool failed = message.Number("CHECKPOINT_RESULT") != 0U;
  return fmt::format(" {:#x} {} {}", message.Number("CHECKPOINT_ID").value_or(0),
                     message.Text("CHECKPOINT_NAME"),
                     failed                                ? "failed"
                     : message.Flag("CHECKPOINT_COMPLETE") ? "done"
                                                           : "begins");
}

std::string MessageWords(const Value& message) {
  if (const std::string request = message.Text("Request"); !request.empty())
    return request + (request == "QueryValue" ? " " + message.Text("QueryKey") : "");
  if (const std::string command = message.Text("Command"); !command.empty())
    return command + (message.Flag("Checksum Chunks") ? " checksums" : "");
  const std::string type = message.Text("MsgType");
  if (type == "ProgressMsg") return type + Percentage(message);
  if (type == "CheckpointMsg") return type + CheckpointWords(message);
  if (type == "StatusMsg")
    return fmt::format("{} {}", type,
                       static_cast<std::int64_t>(message.Number("Status").value_or(0)));
  if (const std::string data = message.Text("DataType"); !data.empty())
    return type + " " + data + Arguments(message);
  return type.empty() ? Keys(message) : type + Arguments(message);
}

std::string Words(const RecordedEvent& event) {
  if (event.kind == "message") return MessageWords(event.what);
  if (event.kind != "command") return event.kind;
  return event.what.Text("line") + (event.what.Flag("done") ? "" : " (refused)");
}

// Asked for or told from the thread that takes the image, whatever the working connection is at.
bool IsBeside(const RecordedEvent& event) {
  return event.what.Find("AsyncContextUUID") != nullptr
             ? event.what.Number("Operation") == std::uint64_t{kRestoringImage}
             : event.what.Text("MsgType") == "AsyncDataRequestMsg" &&
                   event.what.Text("DataType") == "URLAsset";
}

std::string Channel(const RecordedEvent& event) {
  if (event.channel == "restored" && IsBeside(event)) return "beside";
  if (event.channel.starts_with("data port") || event.channel == "boot object") return "data";
  return event.channel;
}

bool Repeats(const Lines& lines, const std::string& line) {
  if (line.ends_with("%")) return !lines.empty() && line == lines.back();
  // A range is asked for and answered, again and again.
  if (line != "> asr range" && line != "< asr OOBData") return false;
  const auto last = lines.end() - std::min<std::ptrdiff_t>(std::ssize(lines), 2);
  return std::find(last, lines.end(), line) != lines.end();
}

// By channel.
std::map<std::string, Lines> Parted(const Lines& lines) {
  std::map<std::string, Lines> parts;
  for (const std::string& line : lines) {
    std::istringstream words(line);
    std::string direction;
    std::string channel;
    words >> direction >> channel;
    parts[channel].push_back(line);
  }
  for (const std::string_view channel : kInAnyOrder)
    if (const auto part = parts.find(std::string(channel)); part != parts.end())
      std::ranges::sort(part->second);
  return parts;
}

// What is left of a line between its outer blanks, with single ones inside.
std::string Squeezed(const std::string& text) {
  std::istringstream words(text);
  std::string out;
  for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

Lines ReadGolden(const std::string& file, const std::string& action) {
  const std::string path = std::string(RACK_SOURCE_DIR) + "/test/golden/" + file;
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  Lines lines;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t end = line.find(" ; ");
    EXPECT_NE(end, std::string::npos) << file << ": a step without its reference: " << line;
    std::string step = Squeezed(line.substr(0, end));
    if (step[0] != '<' && step[0] != '>') {
      const std::size_t blank = step.find(' ');
      if (step.substr(0, blank) != action) continue;
      step.erase(0, blank + 1);
    }
    lines.push_back(std::move(step));
  }
  return lines;
}

std::string Around(const Lines& lines, std::size_t place) {
  constexpr std::size_t kShown = 6;
  std::string text;
  for (std::size_t i = place < kShown ? 0 : place - kShown;
       i < std::min(lines.size(), place + kShown); ++i)
    text += (i == place ? "  => " : "     ") + lines[i] + "\n";
  return text;
}

void Compare(const std::string& where, const Lines& golden, const Lines& recorded) {
  if (golden == recorded) return;
  const auto [expected, seen] = std::ranges::mismatch(golden, recorded);
  const auto place = static_cast<std::size_t>(expected - golden.begin());
  ADD_FAILURE() << where << ", step " << place + 1 << "\nreference:\n"
                << Around(golden, place) << "recorded:\n"
                << Around(recorded, place);
}

}  // namespace

Lines StepsOf(const std::vector<RecordedEvent>& events) {
  Lines lines;
  std::map<std::string, Lines> parts;  // a repetition is one within its channel
  for (const RecordedEvent& event : events) {
    if (event.channel == "lockdown" || event.kind == "files") continue;
    const std::string channel = Channel(event);
    const std::string line = fmt::format("{} {} {}", event.toward == Toward::kPhone ? ">" : "<",
                                         channel, Squeezed(Words(event)));
    if (Repeats(parts[channel], line)) continue;
    parts[channel].push_back(line);
    lines.push_back(line);
  }
  return lines;
}

void ExpectGolden(const std::vector<RecordedEvent>& events, const std::string& file,
                  const std::string& action) {
  const auto golden = Parted(ReadGolden(file, action));
  const auto recorded = Parted(StepsOf(events));
  for (const auto& [channel, lines] : recorded)
    if (!golden.contains(channel)) Compare(file + " " + channel, {}, lines);
  for (const auto& [channel, lines] : golden) {
    const auto found = recorded.find(channel);
    Compare(fmt::format("{} {} {}", file, action, channel), lines,
            found == recorded.end() ? Lines() : found->second);
  }
}

}  // namespace rack
