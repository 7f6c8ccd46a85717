#include "tests/bench/asr_sender.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "tests/rack/wire/stream.h"
#include "tests/rack/wire/value.h"

namespace bench {
namespace {

using rack::Value;
using station::Fd;

constexpr std::uint64_t kBlock = 131072;
constexpr std::uint64_t kChecksum = 20;
constexpr std::uint16_t kAsrPort = 12345;
constexpr std::uint64_t kPiece = 1U << 20U;

bool SendAll(const Fd& fd, std::span<const std::uint8_t> bytes, int flags = 0) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool ReadAll(const Fd& fd, std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = recv(fd.Get(), out.data(), out.size(), 0);
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

// usbmuxd's client protocol: 16 bytes of length, version 1, message 8, tag; then a property list.
Value Ask(const Fd& mux, const Value& request) {
  const std::string body = request.ToXml();
  std::array<std::uint32_t, 4> header{static_cast<std::uint32_t>(16 + body.size()), 1, 8, 1};
  std::string packet(reinterpret_cast<const char*>(header.data()), sizeof(header));
  packet += body;
  if (!SendAll(mux, rack::AsBytes(packet))) return {};
  std::array<std::uint8_t, sizeof(header)> answer;
  if (!ReadAll(mux, answer)) return {};
  std::memcpy(header.data(), answer.data(), sizeof(header));
  rack::Bytes text(header[0] - sizeof(header));
  if (!ReadAll(mux, text)) return {};
  return Value::Parse(text).value_or(Value());
}

Fd ConnectThroughMux(const std::string& socket, const std::string& udid) {
  auto mux = rack::ConnectUnix(socket);
  if (!mux) return {};
  const Value list = Ask(*mux, Value::Dict{{"MessageType", "ListDevices"}});
  const Value* devices = list.Find("DeviceList");
  if (devices == nullptr || devices->AsArray() == nullptr) return {};
  for (const Value& device : *devices->AsArray()) {
    if (device.Find("Properties")->Text("SerialNumber") != udid) continue;
    const std::uint64_t swapped = (kAsrPort & 0xFFU) << 8U | kAsrPort >> 8U;
    const Value result = Ask(*mux, Value::Dict{{"MessageType", "Connect"},
                                               {"DeviceID", *device.Number("DeviceID")},
                                               {"PortNumber", swapped}});
    return result.Number("Number") == 0U ? std::move(*mux) : Fd();
  }
  return {};
}

Value NextCommand(const Fd& phone) {
  std::string text;
  std::array<char, 4096> piece;
  while (text.find("</plist>\n") == std::string::npos) {
    const ssize_t got = recv(phone.Get(), piece.data(), piece.size(), 0);
    if (got <= 0) return {};
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return Value::Parse(text).value_or(Value());
}

std::string PacketInfo(const SentImage& image) {
  Value info = Value::Dict{
      {"FEC Slice Stride", 40}, {"Packet Payload Size", 1450},
      {"Packets Per FEC", 25},  {"Payload", Value::Dict{{"Port", 1}, {"Size", image.size}}},
      {"Stream ID", 1},         {"Version", 1}};
  if (image.checksums) info.Set("Checksum Chunk Size", kBlock);
  return info.ToXml();
}

bool AnswerRange(const Fd& phone, const Fd& file, const Value& command) {
  rack::Bytes bytes(command.Number("OOB Length").value_or(0));
  return station::ReadAt(file, command.Number("OOB Offset").value_or(0), bytes).has_value() &&
         SendAll(phone, bytes);
}

// Initiate, ranges, Payload (reference 7).
bool Agree(const Fd& phone, const Fd& file, const SentImage& image) {
  while (true) {
    const Value command = NextCommand(phone);
    const std::string name = command.Text("Command");
    if (name == "Payload") return true;
    if (name == "Initiate" && !SendAll(phone, rack::AsBytes(PacketInfo(image)))) return false;
    if (name == "OOBData" && !AnswerRange(phone, file, command)) return false;
    if (name.empty()) return false;
  }
}

bool SendPart(const Fd& out, const Fd& file, off_t& at, std::uint64_t size) {
  while (size > 0) {
    const ssize_t sent = sendfile(out.Get(), file.Get(), &at, size);
    if (sent <= 0) return false;
    size -= static_cast<std::uint64_t>(sent);
  }
  return true;
}

std::uint64_t SendBytes(const Fd& out, const Fd& file, const SentImage& image) {
  const std::uint64_t end = std::min(image.size, image.stop_after);
  const std::uint64_t piece = image.checksums ? kBlock : kPiece;
  off_t at = 0;
  while (static_cast<std::uint64_t>(at) < end) {
    const auto begin = static_cast<std::uint64_t>(at);
    if (!SendPart(out, file, at, std::min(piece, end - begin))) break;
    if (image.checksums &&
        !SendAll(out, std::span(image.sha1).subspan(begin / kBlock * kChecksum, kChecksum)))
      break;
  }
  return static_cast<std::uint64_t>(at);
}

}  // namespace

std::uint64_t SendThroughMux(const std::string& mux_socket, const std::string& udid,
                             const SentImage& image) {
  const auto file = station::OpenForReading(image.file);
  const Fd phone = ConnectThroughMux(mux_socket, udid);
  if (!file || !phone.Valid() || !Agree(phone, *file, image)) return 0;
  return SendBytes(phone, *file, image);
}

std::uint64_t SendPlain(const std::string& socket, const SentImage& image) {
  const auto file = station::OpenForReading(image.file);
  const auto reader = rack::ConnectUnix(socket);
  if (!file || !reader) return 0;
  return SendBytes(*reader, *file, image);
}

}  // namespace bench
