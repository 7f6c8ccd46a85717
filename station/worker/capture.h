#pragma once
// A restore's dialogue as a file that can be sent in: one JSON object a line, redacted. Shape:
// station/worker/README.md.

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "station/base/byte_source.h"
#include "station/base/fd.h"
#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/device/tap.h"
#include "station/worker/redactor.h"

namespace station::worker {

class Capture final : public device::Tap {
 public:
  // Appends to `path` (mode 0600). kIo.
  [[nodiscard]] static Result<std::unique_ptr<Capture>> Open(const std::filesystem::path& path);

  // What is known of the phone from the orders; it never appears.
  void Conceal(Ecid ecid, const std::string& udid, const std::string& serial_number);
  // What was done that is no message: a step, a change of mode, a command.
  void Note(std::string_view what, std::string_view text);
  // What was sent outside of messages: its size and digest are kept. The image's own errors.
  [[nodiscard]] Status NoteImage(std::string_view what, std::string_view text,
                                 const ByteSource& image);
  // A property list that went elsewhere than to the phone: signing requests and answers.
  void Show(std::string_view what, plist::View message);
  void OnMessage(device::Line line, device::Direction direction, plist::View message) override;

 private:
  explicit Capture(Fd file) : file_(std::move(file)) {}
  void Write(const std::string& fields);

  // Streams of pieces are written once and then counted.
  [[nodiscard]] bool IsOneMorePiece(device::Line line, plist::View message);

  std::mutex mutex_;
  Fd file_;
  std::map<std::uint32_t, std::uint64_t> pieces_;  // by connection
  Redactor redactor_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace station::worker
