#include "station/worker/capture.h"

#include <fcntl.h>

#include <cerrno>

#include "station/base/digest.h"
#include "station/base/log.h"

namespace station::worker {
namespace {

std::string Decimal(std::uint64_t value) { return std::to_string(value); }

// The ways an ECID is written: lockdownd's number, USB strings in capitals, our own.
std::vector<std::string> Spellings(Ecid ecid) {
  std::string hex = ToString(ecid).substr(2);
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return {Decimal(ecid.value), hex, upper};
}

}  // namespace

Result<std::unique_ptr<Capture>> Capture::Open(const std::filesystem::path& path) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file.Valid()) return FailErrno("opening the capture " + path.string(), errno);
  return std::unique_ptr<Capture>(new Capture(std::move(file)));
}

void Capture::Conceal(Ecid ecid, const std::string& udid, const std::string& serial_number) {
  const std::lock_guard lock(mutex_);
  for (const std::string& spelling : Spellings(ecid)) redactor_.AddSecret("ecid", spelling);
  redactor_.AddSecret("udid", udid);
  redactor_.AddSecret("serial", serial_number);
}

void Capture::Note(std::string_view what, std::string_view text) {
  plist::Plist note = plist::Plist::Dict();
  note.Set("text", plist::Plist::String(std::string(text)));
  Show(what, note.Get());
}

Status Capture::NoteImage(std::string_view what, std::string_view text, const ByteSource& image) {
  Hasher hasher(DigestKind::kSha256);
  STATION_CHECK(image.pass([&](std::span<const std::uint8_t> bytes) -> Status {
    hasher.Update(bytes);
    return {};
  }));
  plist::Plist note = plist::Plist::Dict();
  note.Set("text", plist::Plist::String(std::string(text)))
      .Set("size", plist::Plist::Integer(image.size))
      .Set("sha256", plist::Plist::String(ToHex(hasher.Finish())));
  Show(what, note.Get());
  return {};
}

void Capture::Show(std::string_view what, plist::View message) {
  const std::lock_guard lock(mutex_);
  Write("\"" + std::string(what) + "\":" + redactor_.ToJson(message));
}

// A cryptex goes to the phone in some hundred thousand messages of one shape
// (restore-protocol 6.7).
bool Capture::IsOneMorePiece(device::Line line, plist::View message) {
  if (message["FileData"].IsData() && message.Size() == 1) return ++pieces_[line.number] > 1;
  const auto counted = pieces_.find(line.number);
  if (counted == pieces_.end()) return false;
  Write("\"port\":" + Decimal(line.port) + ",\"connection\":" + Decimal(line.number) +
        ",\"pieces\":" + Decimal(counted->second));
  pieces_.erase(counted);
  return false;
}

void Capture::OnMessage(device::Line line, device::Direction direction, plist::View message) {
  const std::lock_guard lock(mutex_);
  if (IsOneMorePiece(line, message)) return;
  Write("\"port\":" + Decimal(line.port) + ",\"connection\":" + Decimal(line.number) +
        ",\"to\":\"" + (direction == device::Direction::kToPhone ? "phone" : "host") +
        "\",\"message\":" + redactor_.ToJson(message));
}

void Capture::Write(const std::string& fields) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began_);
  const std::string text =
      "{\"ms\":" + Decimal(static_cast<std::uint64_t>(since.count())) + "," + fields + "}\n";
  if (const Status written =
          WriteAll(file_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      !written)
    LogError(LogLevel::kWarning, "the capture could not be written", written.error());
}

}  // namespace station::worker
