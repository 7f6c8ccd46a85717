#pragma once
// A socket that speaks the usbmuxd client protocol (plist form). One for everybody, and one for
// each program that is to see a single phone.

#include <memory>
#include <optional>
#include <string>

#include "tests/rack/mux/devices.h"
#include "tests/rack/mux/pair_records.h"
#include "tests/rack/wire/server.h"

namespace rack {

class MuxServer {
 public:
  // `only`: the name of the one phone to show.
  [[nodiscard]] static station::Result<std::unique_ptr<MuxServer>> Start(
      const std::string& path, MuxDevices& devices, PairRecords& records,
      std::optional<std::string> only);

 private:
  MuxServer(station::Fd listener, MuxDevices& devices, PairRecords& records,
            std::optional<std::string> only);

  struct Listener {
    std::uint64_t connection = 0;
    std::string program;
  };
  // What becomes of a connection after a command.
  enum class Then { kNextCommand, kClose };

  void Serve(const std::shared_ptr<Stream>& stream);
  Then Handle(const std::shared_ptr<Stream>& stream, std::uint32_t tag, const Value& request);
  Then Connect(const std::shared_ptr<Stream>& stream, std::uint32_t tag, const Value& request);
  void Listen(const std::shared_ptr<Stream>& stream, std::uint32_t tag, const Value& request);
  [[nodiscard]] Value DeviceList() const;
  [[nodiscard]] Value ListenerList();
  [[nodiscard]] bool Shown(const MuxDevice& device) const {
    return !only_ || device.phone == *only_;
  }

  MuxDevices& devices_;
  PairRecords& records_;
  const std::optional<std::string> only_;
  std::mutex mutex_;
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t next_listener_ = 1;
  std::unique_ptr<SocketServer> server_;  // last: its threads use the rest
};

}  // namespace rack
