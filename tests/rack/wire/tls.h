#pragma once
// The phone's half of a TLS connection, as lockdownd and its services speak it: a certificate made
// for one host, and that host's certificates demanded in turn.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rack {

class Stream;

struct TlsTerms {
  std::string certificate;                 // PEM; shown to the host
  std::string key;                         // PEM; its private half
  std::vector<std::string> accepted = {};  // PEM; the host must show one of these
};

// One thread may read while others write.
class TlsLayer {
 public:
  // Null when the handshake fails or takes too long.
  [[nodiscard]] static std::unique_ptr<TlsLayer> Accept(Stream& stream, const TlsTerms& terms);
  ~TlsLayer();

  // As those of Stream.
  [[nodiscard]] std::optional<std::size_t> ReadSome(std::span<std::uint8_t> out,
                                                    std::chrono::milliseconds timeout);
  bool Write(std::span<const std::uint8_t> bytes);
  // Says that nothing more follows, and waits a moment for the host to say so too.
  void Close();

 private:
  struct Engine;
  enum class Fed { kYes, kTimeout, kEnd };

  explicit TlsLayer(Stream& stream);
  bool Shake();
  Fed Feed(std::chrono::milliseconds timeout);
  bool Flush();

  Stream& stream_;
  std::mutex engine_mutex_;
  std::mutex flush_mutex_;  // records leave in the order they were made
  std::unique_ptr<Engine> engine_;
};

}  // namespace rack
