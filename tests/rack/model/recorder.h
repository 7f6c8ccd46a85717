#pragma once
// What was said to a phone and by it, in all modes, as one JSON object a line. Payload bytes are
// left out: their size and SHA-256 stand in their place. The file has a bounded size: a full one is
// put aside as FILE.before, and what was put aside earlier is lost. A recorder made anew goes on
// where the last one ended.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rack/wire/value.h"

namespace rack {

enum class Toward : std::uint8_t { kPhone, kHost };

struct RecordedEvent {
  double at = 0;             // seconds since the recorder was made, to the millisecond
  std::uint64_t boot = 0;    // boot number of the phone
  std::string stage = {};    // "iboot"
  std::string channel = {};  // "lockdown", "iboot", "restored", "data port 50000", "asr", "fdr"
  Toward toward = Toward::kHost;
  std::string kind = {};  // message, command, upload, range, transfer
  Value what = {};
};

class Recorder {
 public:
  static constexpr std::uint64_t kLargestFile = 8U << 20U;

  // Adds to `file`; without one nothing is recorded.
  explicit Recorder(std::filesystem::path file = {}, std::uint64_t largest = kLargestFile);

  [[nodiscard]] bool On() const { return !file_.empty(); }
  // `at` and `what` are filled in here, `what` without payload.
  void Note(RecordedEvent event, const Value& message);

 private:
  void Rotate();

  const std::filesystem::path file_;
  const std::uint64_t largest_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::ofstream out_;
  std::uint64_t size_ = 0;
};

// The value with bytes replaced by {size, sha256}, with the SHA-256 of the `im4p` in those that are
// an IMG4, and long texts cut.
[[nodiscard]] Value WithoutPayload(const Value& value);
// What stands for bytes.
[[nodiscard]] Value PayloadNote(std::span<const std::uint8_t> bytes);

// The events of a recording; lines that are none are left out.
[[nodiscard]] std::vector<RecordedEvent> ReadRecording(const std::filesystem::path& file);
// An event as people read it, without its time: "restored < DataRequestMsg DataType=NORData".
[[nodiscard]] std::string Line(const RecordedEvent& event);

}  // namespace rack
