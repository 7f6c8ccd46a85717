#pragma once
// Reads and writes the memory of the process at the other end of a preload connection: directly
// where the kernel allows it, else by asking the preload to do it.

#include <sys/types.h>

#include <cstdint>
#include <span>

namespace rack {

// The preload's message, both ways. Native byte order: both ends are on one machine.
struct PreloadMessage {
  std::uint64_t command = 0;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

enum class PreloadCommand : std::uint64_t {
  kIoctl = 1,     // client: request, argument
  kResult = 2,    // client, after kRun: return value, errno
  kDone = 3,      // server: return value, errno
  kRun = 4,       // server: do it natively
  kReadMem = 5,   // server: address, length; the client sends the bytes
  kWriteMem = 6,  // server: address, length; then the bytes
  kRead = 7,      // client: buffer, length
  kWrite = 8,     // client: buffer, length
};

// False when the other end is gone.
[[nodiscard]] bool SendMessage(int socket, PreloadCommand command, std::uint64_t first,
                               std::uint64_t second);
[[nodiscard]] bool ReceiveExactly(int socket, std::span<std::uint8_t> out);

class ClientMemory {
 public:
  // `pid` 0 (not visible from here) goes through the socket.
  ClientMemory(int socket, pid_t pid) : socket_(socket), pid_(pid), direct_(pid > 0) {}

  struct Piece {
    std::uint64_t address;
    std::span<const std::uint8_t> bytes;
  };
  static constexpr std::size_t kMaxPieces = 8;

  // False when the address is bad. Only while the client waits for an answer on this connection.
  [[nodiscard]] bool Read(std::uint64_t address, std::span<std::uint8_t> out);
  [[nodiscard]] bool Write(std::span<const Piece> pieces);

  template <typename T>
  [[nodiscard]] static Piece PieceOf(std::uint64_t address, const T& value) {
    return {address, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value}};
  }
  template <typename T>
  [[nodiscard]] bool ReadValue(std::uint64_t address, T& value) {
    return Read(address, {reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  }
  template <typename T>
  [[nodiscard]] bool WriteValue(std::uint64_t address, const T& value) {
    const Piece piece = PieceOf(address, value);
    return Write({&piece, 1});
  }

 private:
  bool ReadThroughSocket(std::uint64_t address, std::span<std::uint8_t> out) const;
  bool WriteThroughSocket(std::span<const Piece> pieces) const;

  int socket_;
  pid_t pid_;
  bool direct_;
};

}  // namespace rack
