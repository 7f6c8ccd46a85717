#include "station/restore/asr.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "station/plist/plist.h"
#include "station/restore/image_pipe.h"

namespace station::restore {
namespace {

using plist::Plist;

constexpr std::chrono::milliseconds kAnswer{30000};  // the phone's next question
constexpr std::chrono::milliseconds kStall{30000};   // the phone takes no byte
constexpr int kConnectAttempts = 30;
constexpr std::chrono::milliseconds kConnectPause{1000};
constexpr int kSendBuffer = 4 << 20;
constexpr std::uint64_t kChunksAtOnce = 4;  // what a pipe of 1 MiB takes, whatever their alignment
constexpr std::size_t kLongestQuestion = 64 * 1024;

class AsrSession {
 public:
  AsrSession(device::Connection connection, const store::Image& image, JobControl& control)
      : connection_(std::move(connection)), image_(image), control_(control) {}

  Status Run() {
    connection_.SetSendBuffer(kSendBuffer);
    while (true) {
      STATION_TRY(question, ReceiveQuestion());
      const std::string command = question["Command"].String().value_or("");
      if (command == "Initiate") {
        checksums_ = question["Checksum Chunks"].Bool().value_or(false);
        STATION_CHECK(SendPacketInfo());
      } else if (command == "OOBData") {
        STATION_CHECK(SendRange(question.Get()));
      } else if (command == "Payload") {
        return SendPayload();
      } else {
        return Fail(ErrorCode::kAsrTransfer, "the phone asks ASR for '" + command + "'");
      }
    }
  }

 private:
  // Property lists back to back, without lengths: up to the end tag and its newline.
  Result<Plist> ReceiveQuestion() {
    static constexpr std::string_view kEnd = "</plist>";
    while (true) {
      if (const std::size_t end = buffer_.find(kEnd); end != std::string::npos) {
        auto question = Plist::Parse(std::string_view(buffer_).substr(0, end + kEnd.size()));
        buffer_.erase(0, end + kEnd.size());
        const std::size_t rest = buffer_.find_first_not_of("\r\n\t ");
        buffer_.erase(0, std::min(rest, buffer_.size()));
        if (!question) return Fail(ErrorCode::kAsrTransfer, "a question that is no property list");
        return question;
      }
      if (buffer_.size() > kLongestQuestion)
        return Fail(ErrorCode::kAsrTransfer, "a question without end");
      std::array<std::uint8_t, 4096> piece{};
      STATION_TRY(got, connection_.ReceiveSome(piece, kAnswer, control_));
      if (got == 0)
        return Fail(ErrorCode::kAsrTransfer, "the phone closed ASR before the image was sent");
      buffer_.append(reinterpret_cast<const char*>(piece.data()), got);
    }
  }

  Status SendPacketInfo() {
    Plist payload = Plist::Dict();
    payload.Set("Port", Plist::Integer(1)).Set("Size", Plist::Integer(image_.Size()));
    Plist info = Plist::Dict();
    if (checksums_) info.Set("Checksum Chunk Size", Plist::Integer(store::kAsrChunk));
    info.Set("FEC Slice Stride", Plist::Integer(40))
        .Set("Packet Payload Size", Plist::Integer(1450));
    info.Set("Packets Per FEC", Plist::Integer(25)).Set("Payload", std::move(payload));
    info.Set("Stream ID", Plist::Integer(1)).Set("Version", Plist::Integer(1));
    const std::string xml = info.ToXml();
    return connection_.Send({reinterpret_cast<const std::uint8_t*>(xml.data()), xml.size()}, kStall,
                            control_);
  }

  Status SendRange(plist::View question) {
    const auto length = question["OOB Length"].Integer();
    const auto offset = question["OOB Offset"].Integer();
    if (!length || !offset || *offset > image_.Size() || *length > image_.Size() - *offset)
      return Fail(ErrorCode::kAsrRange, "the phone asks for " + std::to_string(length.value_or(0)) +
                                            " bytes at " + std::to_string(offset.value_or(0)) +
                                            " of " + std::to_string(image_.Size()));
    return SendVerified(*offset, *length);
  }

  Status SendPayload() { return checksums_ ? SendWithDigests() : SendAllVerified(); }

  // Straight from the page cache; what the disk does to the bytes is for the phone to find, by the
  // digest behind each chunk.
  Status SendWithDigests() {
    STATION_TRY(pipe, ImagePipe::Open(connection_, kStall));
    for (std::uint64_t begin = 0; begin < image_.Size();) {
      STATION_CHECK(control_.KeepGoing());
      const std::uint64_t end = std::min(begin + kChunksAtOnce * store::kAsrChunk, image_.Size());
      for (; begin < end; begin += store::kAsrChunk) {
        STATION_CHECK(pipe.AddFile(image_.Descriptor(), image_.Offset() + begin,
                                   std::min(store::kAsrChunk, end - begin), control_));
        STATION_CHECK(pipe.Add(image_.AsrDigests()[begin / store::kAsrChunk], control_));
      }
      STATION_CHECK(pipe.Flush(control_));
      Tell(end);
    }
    return {};
  }

  Status SendAllVerified() {
    for (std::uint64_t begin = 0; begin < image_.Size(); begin += store::kAsrChunk) {
      STATION_CHECK(control_.KeepGoing());
      const std::uint64_t size = std::min(store::kAsrChunk, image_.Size() - begin);
      STATION_CHECK(SendVerified(begin, size));
      Tell(begin + size);
    }
    return {};
  }

  void Tell(std::uint64_t sent) {
    control_.Progress(static_cast<double>(sent) / static_cast<double>(image_.Size()), sent,
                      image_.Size());
  }

  // Chunk by chunk, each read and compared with the import's digest before a byte of it is sent.
  Status SendVerified(std::uint64_t offset, std::uint64_t size) {
    chunk_.resize(store::kAsrChunk);
    while (size > 0) {
      const std::uint64_t part = std::min(size, store::kAsrChunk - offset % store::kAsrChunk);
      const std::span bytes = std::span(chunk_).first(part);
      STATION_CHECK(image_.ReadVerified(offset, bytes));
      STATION_CHECK(connection_.Send(bytes, kStall, control_));
      offset += part;
      size -= part;
    }
    return {};
  }

  device::Connection connection_;
  const store::Image& image_;
  JobControl& control_;
  std::string buffer_;               // of the phone's questions
  std::vector<std::uint8_t> chunk_;  // what is sent verified
  bool checksums_ = false;
};

Result<device::Connection> ConnectToAsr(const ConnectToPort& connect, std::uint16_t port,
                                        JobControl& control) {
  for (int attempt = 1;; ++attempt) {
    auto connection = connect(port);
    if (connection) return connection;
    if (attempt == kConnectAttempts)
      return Fail(ErrorCode::kAsrConnect, connection.error().context);
    STATION_CHECK(control.Pause(kConnectPause));
  }
}

}  // namespace

Status StreamSystemImage(const ConnectToPort& connect, std::uint16_t port,
                         const store::Image& image, JobControl& control) {
  STATION_TRY(connection, ConnectToAsr(connect, port, control));
  auto done = AsrSession(std::move(connection), image, control).Run();
  // Whatever breaks the connection here broke the transfer of the image.
  if (!done &&
      (done.error().code == ErrorCode::kPhoneGone || done.error().code == ErrorCode::kDeviceSilent))
    return Fail(ErrorCode::kAsrTransfer, std::move(done).error().context);
  return done;
}

}  // namespace station::restore
