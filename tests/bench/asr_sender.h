#pragma once
// A host that sends an OS image as fast as the machine can: sendfile into the usbmuxd socket. It
// links none of the station and decides nothing; what it reaches is the limit for any host.

#include <cstdint>
#include <string>
#include <vector>

#include "station/base/fd.h"

namespace bench {

struct SentImage {
  std::string file;
  std::uint64_t size = 0;
  std::uint64_t stop_after = UINT64_MAX;  // bytes; the connection is closed there
  bool checksums = false;
  std::vector<std::uint8_t> sha1;  // 20 bytes for each block, when checksums are on
};

// Bytes of the image sent; 0 when the phone could not be reached or would not have it.
std::uint64_t SendThroughMux(const std::string& mux_socket, const std::string& udid,
                             const SentImage& image);
// The same bytes into a socket whose reader drops them.
std::uint64_t SendPlain(const std::string& socket, const SentImage& image);

}  // namespace bench
