#pragma once
// The measured process: a rack of phones in restore mode behind one usbmuxd socket, some of which
// receive an OS image; or, for the limit beside it, readers that drop what they get.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/rack/forge/disk_image.h"

namespace bench {

struct RackRound {
  std::string folder;  // sockets and state
  int phones = 64;
  int streams = 16;
  bool checksums = false;
  bool known = true;  // the phones have the image's recipe
  rack::ImageRecipe image;
};

struct Footprint {
  std::uint64_t resident_before = 0;  // bytes, all phones present and idle
  std::uint64_t resident_peak = 0;    // while images come
  std::uint64_t threads = 0;          // at most
  std::uint64_t descriptors = 0;      // at most
  double cpu_seconds = 0;             // of the process, while images came
  int accepted = 0;                   // images taken and found to be the signed one
};

// A process of its own, so that its memory is the rack's alone.
class RackSide {
 public:
  explicit RackSide(const RackRound& round) : RackSide(round, true) {}
  // Only drops what `streams` connections to PlainSocket send.
  static RackSide Dropping(const RackRound& round) { return RackSide(round, false); }
  ~RackSide();
  RackSide(const RackSide&) = delete;
  RackSide& operator=(const RackSide&) = delete;

  [[nodiscard]] bool Ready() const { return ready_; }
  [[nodiscard]] static std::string MuxSocket(const RackRound& round) {
    return round.folder + "/usbmuxd";
  }
  [[nodiscard]] static std::string PlainSocket(const RackRound& round) {
    return round.folder + "/plain";
  }
  [[nodiscard]] static std::string Udid(int phone);
  // Waits until every stream has ended.
  [[nodiscard]] Footprint Finish();

 private:
  RackSide(const RackRound& round, bool rack);

  int pid_ = -1;
  int pipe_ = -1;
  bool ready_ = false;
};

}  // namespace bench
