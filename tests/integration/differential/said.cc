#include "tests/integration/differential/said.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

namespace station::integration {
namespace {

using Json = nlohmann::json;

// Images are compared by what is in them beside the ticket; the ticket is compared where it is sent
// alone.
std::optional<std::string> PayloadText(const Json& value) {
  if (!value.is_object() || !value.contains("sha256")) return std::nullopt;
  return value.contains("im4p") ? "im4p " + value["im4p"].get<std::string>()
                                : value["sha256"].get<std::string>();
}

class Reader {
 public:
  explicit Reader(Said& said) : said_(said) {}

  // Flattened: "Manifest/iBEC/Digest".
  void Add(const std::string& message, const Json& value) {
    const int count = ++counts_[message];
    Flatten(count == 1 ? message : fmt::format("{}#{}", message, count), "", value);
  }

 private:
  void Flatten(const std::string& message, const std::string& key, const Json& value) {
    const std::string prefix = key.empty() ? "" : key + "/";
    if (const auto payload = PayloadText(value)) {
      said_.values[{message, key}] = *payload;
    } else if (value.is_object()) {
      for (const auto& [name, inner] : value.items()) Flatten(message, prefix + name, inner);
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i)
        Flatten(message, prefix + std::to_string(i), value[i]);
    } else {
      said_.values[{message, key}] = value.dump();
    }
  }

  Said& said_;
  std::map<std::string, int> counts_;
};

std::vector<Json> Lines(const std::filesystem::path& file, std::uintmax_t from) {
  std::vector<Json> lines;
  std::ifstream in(file);
  in.seekg(static_cast<std::streamoff>(from));
  for (std::string line; std::getline(in, line);)
    if (Json read = Json::parse(line, nullptr, false); read.is_object())
      lines.push_back(std::move(read));
  return lines;
}

// "ap_request", "BBTicket_request", by what it asks to have signed; the phone's own ticket before
// others in the same request.
std::string RequestName(const Json& request) {
  const auto asks = [&](const std::string& key) {
    return request.contains(key) && request[key].is_boolean() && request[key].get<bool>();
  };
  if (asks("@ApImg4Ticket")) return "ap_request";
  for (const auto& [key, value] : request.items())
    if (key.starts_with('@') && key.ends_with("Ticket") && asks(key))
      return key.substr(1) + "_request";
  return "request";
}

std::string TextOf(const Json& message, const char* key) {
  return message.contains(key) && message[key].is_string() ? message[key].get<std::string>() : "";
}

// The name of what is asked for: updaters share a data type.
std::string AskedFor(const Json& message) {
  std::string name = TextOf(message, "DataType");
  if (!message.contains("Arguments")) return name;
  for (const char* key : {"MessageArgUpdaterName", "ImageName"})
    if (const std::string text = TextOf(message["Arguments"], key); !text.empty())
      name += ":" + text;
  return name;
}

void ReadPhone(const std::vector<Json>& events, Reader& reader, Said& said) {
  std::map<std::string, std::string> asked;  // by channel
  for (const Json& event : events) {
    const Json& message = event["message"];
    const std::string channel = TextOf(event, "channel");
    const std::string kind = TextOf(event, "kind");
    const bool to_phone = TextOf(event, "direction") == "to phone";
    if (channel == "lockdown")
      continue;  // whom a host asks what, before it restores, is its own affair
    if (kind == "command") {
      said.commands.push_back(TextOf(message, "line"));
    } else if (kind.starts_with("upload")) {
      said.uploads.push_back(kind.substr(kind.find(' ') + 1));
      reader.Add(kind, message);
    } else if (kind == "transfer" || kind == "files") {
      reader.Add(channel, message);
    } else if (kind == "message" && !to_phone) {
      if (const std::string name = AskedFor(message); !name.empty()) asked[channel] = name;
    } else if (kind == "message" && message.contains("Request")) {
      if (TextOf(message, "Request") == "StartRestore") reader.Add("start_restore", message);
    } else if (kind == "message" && channel != "asr" && channel != "fdr" &&
               !asked[channel].empty()) {
      reader.Add("answer " + asked[channel], message);
      asked[channel].clear();
    }
  }
}

bool Matches(const std::string& pattern, const std::string& text) {
  if (pattern == "*") return true;
  if (pattern.ends_with('*')) return text.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*')) return text.ends_with(pattern.substr(1));
  return pattern == text;
}

// Any of several patterns with | between them.
bool MatchesOne(const std::string& patterns, const std::string& text) {
  std::istringstream all(patterns);
  for (std::string pattern; std::getline(all, pattern, '|');)
    if (Matches(pattern, text)) return true;
  return false;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + "; ";
  return text;
}

// What one has and the other has not, as often as it has it.
void CompareLists(const std::string& message, const std::vector<std::string>& theirs,
                  const std::vector<std::string>& ours, std::vector<Difference>& out) {
  std::map<std::string, int> count;
  for (const std::string& word : theirs) ++count[word];
  for (const std::string& word : ours) --count[word];
  std::vector<std::string> same_theirs;
  std::vector<std::string> same_ours;
  for (const std::string& word : theirs)
    if (count[word] == 0) same_theirs.push_back(word);
  for (const std::string& word : ours)
    if (count[word] == 0) same_ours.push_back(word);
  for (const auto& [word, more] : count)
    if (more != 0)
      out.push_back({message, word, more > 0 ? "idevicerestore only" : "station only",
                     fmt::format("{} more", std::abs(more))});
  if (same_theirs != same_ours)
    out.push_back({message, "(order)", "differs", Joined(same_theirs) + " | " + Joined(same_ours)});
}

}  // namespace

Mark MarkOf(const Recordings& recordings) {
  const auto size = [](const std::filesystem::path& file) {
    std::error_code none_yet;
    const std::uintmax_t bytes = std::filesystem::file_size(file, none_yet);
    return none_yet ? 0 : bytes;
  };
  return {.phone = size(recordings.phone), .signer = size(recordings.signer)};
}

Said ReadSaid(const Recordings& recordings, const Mark& from) {
  Said said;
  Reader reader(said);
  for (const Json& event : Lines(recordings.signer, from.signer))
    if (const Json& request = event["message"];
        request.contains("ApECID") && request["ApECID"] == recordings.ecid)
      reader.Add(RequestName(request), request);
  ReadPhone(Lines(recordings.phone, from.phone), reader, said);
  return said;
}

std::vector<Difference> Compare(const Said& idevicerestore, const Said& station) {
  std::vector<Difference> out;
  for (const auto& [name, value] : idevicerestore.values) {
    const auto other = station.values.find(name);
    if (other == station.values.end()) {
      out.push_back({name.first, name.second, "idevicerestore only", value});
    } else if (other->second != value) {
      out.push_back({name.first, name.second, "differs", value + " | " + other->second});
    }
  }
  for (const auto& [name, value] : station.values)
    if (!idevicerestore.values.contains(name))
      out.push_back({name.first, name.second, "station only", value});
  CompareLists("commands", idevicerestore.commands, station.commands, out);
  CompareLists("uploads", idevicerestore.uploads, station.uploads, out);
  return out;
}

std::vector<KnownDifference> ReadKnown(const std::filesystem::path& table) {
  std::vector<KnownDifference> rows;
  std::ifstream in(table);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream cells(line);
    KnownDifference row;
    row.line = number;
    for (std::string* cell : {&row.message, &row.keys, &row.how, &row.why, &row.reference})
      std::getline(cells, *cell, '\t');
    rows.push_back(row);
  }
  return rows;
}

bool Covers(const KnownDifference& known, const Difference& difference) {
  return known.how == difference.how && MatchesOne(known.message, difference.message) &&
         MatchesOne(known.keys, difference.key);
}

}  // namespace station::integration
