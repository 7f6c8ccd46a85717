#pragma once
// What one host said to one phone and to the signing server for it, from the rack's recordings, in
// a form in which two hosts can be compared: a message's name, a key in it, a value.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace station::integration {

// {"ap_request", "ApNonce"} to its value as text; payload as its SHA-256, an image as that of its
// IM4P. Where a message comes more than once, its name ends in "#2" and so on.
struct Said {
  std::map<std::pair<std::string, std::string>, std::string> values;
  std::vector<std::string> commands;  // to iBoot, in order
  std::vector<std::string> uploads;   // types, in order
};

// How much of the two recordings (JSON lines) was there at some moment, in bytes.
struct Mark {
  std::uintmax_t phone = 0;
  std::uintmax_t signer = 0;
};
struct Recordings {
  std::filesystem::path phone;
  std::filesystem::path signer;  // of all phones: requests with `ecid` count
  std::uint64_t ecid = 0;
};
[[nodiscard]] Mark MarkOf(const Recordings& recordings);
[[nodiscard]] Said ReadSaid(const Recordings& recordings, const Mark& from);

// One difference: who has it, or that the values differ.
struct Difference {
  std::string message;
  std::string key;
  std::string how;     // "idevicerestore only", "station only", "differs"
  std::string detail;  // both values, for people
};
[[nodiscard]] std::vector<Difference> Compare(const Said& idevicerestore, const Said& station);

// A row of the table of known differences: what is right to differ, and the reference line that
// says so. Messages and keys are patterns with | between them; each may begin or end in *.
struct KnownDifference {
  std::string message;
  std::string keys;
  std::string how;
  std::string why;
  std::string reference;
  int line = 0;
};
[[nodiscard]] std::vector<KnownDifference> ReadKnown(const std::filesystem::path& table);
[[nodiscard]] bool Covers(const KnownDifference& known, const Difference& difference);

}  // namespace station::integration
