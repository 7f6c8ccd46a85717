#include "tests/rack/usb/client_memory.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace rack {
namespace {

bool SendExactly(int socket, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

// The kernel forbids it, which is no fault of the address.
bool IsForbidden(int error) { return error == EPERM || error == ENOSYS || error == ESRCH; }

void* Pointer(std::uint64_t address) { return reinterpret_cast<void*>(address); }

}  // namespace

bool SendMessage(int socket, PreloadCommand command, std::uint64_t first, std::uint64_t second) {
  const PreloadMessage message = {static_cast<std::uint64_t>(command), first, second};
  return SendExactly(socket, {reinterpret_cast<const std::uint8_t*>(&message), sizeof message});
}

bool ReceiveExactly(int socket, std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::recv(socket, out.data(), out.size(), MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool ClientMemory::Read(std::uint64_t address, std::span<std::uint8_t> out) {
  if (out.empty()) return true;
  if (direct_) {
    const iovec here = {out.data(), out.size()};
    const iovec there = {Pointer(address), out.size()};
    const ssize_t got = ::process_vm_readv(pid_, &here, 1, &there, 1, 0);
    if (got == static_cast<ssize_t>(out.size())) return true;
    if (got >= 0 || !IsForbidden(errno)) return false;
    direct_ = false;
  }
  return ReadThroughSocket(address, out);
}

bool ClientMemory::Write(std::span<const Piece> pieces) {
  if (pieces.size() > kMaxPieces) return false;
  if (direct_) {
    std::array<iovec, kMaxPieces> here{};
    std::array<iovec, kMaxPieces> there{};
    std::size_t total = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::span<const std::uint8_t> bytes = pieces[i].bytes;
      here[i] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
      there[i] = {Pointer(pieces[i].address), bytes.size()};
      total += bytes.size();
    }
    const ssize_t put =
        ::process_vm_writev(pid_, here.data(), pieces.size(), there.data(), pieces.size(), 0);
    if (put == static_cast<ssize_t>(total)) return true;
    if (put >= 0 || !IsForbidden(errno)) return false;
    direct_ = false;
  }
  return WriteThroughSocket(pieces);
}

bool ClientMemory::ReadThroughSocket(std::uint64_t address, std::span<std::uint8_t> out) const {
  return SendMessage(socket_, PreloadCommand::kReadMem, address, out.size()) &&
         ReceiveExactly(socket_, out);
}

bool ClientMemory::WriteThroughSocket(std::span<const Piece> pieces) const {
  for (const Piece& piece : pieces) {
    if (piece.bytes.empty()) continue;
    if (!SendMessage(socket_, PreloadCommand::kWriteMem, piece.address, piece.bytes.size()) ||
        !SendExactly(socket_, piece.bytes))
      return false;
  }
  return true;
}

}  // namespace rack
