#pragma once
// A socket that speaks the usbmuxd client protocol. One for everybody, and one for each program
// that is to see a single phone.

#include <memory>
#include <optional>
#include <string>

#include "tests/rack/mux/packets.h"
#include "tests/rack/mux/pair_records.h"
#include "tests/rack/wire/server.h"

namespace rack {

class MuxServer {
 public:
  // `only`: the name of the one phone to show. While `gate` is shut nothing moves, in either
  // direction.
  [[nodiscard]] static station::Result<std::unique_ptr<MuxServer>> Start(
      const std::string& path, MuxDevices& devices, PairRecords& records, Gate& gate,
      std::optional<std::string> only);

  // Once the gate is open: what listeners should have heard meanwhile.
  void ReleaseNotices();

 private:
  MuxServer(station::Fd listener, MuxDevices& devices, PairRecords& records, Gate& gate,
            std::optional<std::string> only);

  // One client and the command it has sent.
  struct Call {
    const std::shared_ptr<Stream>& stream;
    MuxVersion version;
    std::uint32_t tag;
    const Value& request;
  };
  // What becomes of a connection after a command.
  enum class Then { kNextCommand, kClose };
  struct Command;

  struct Listener {
    std::uint64_t connection = 0;
    std::string program{};
    std::shared_ptr<Stream> stream{};  // shared with the thread that waits for its end
    MuxVersion version = MuxVersion::kPlist;
    bool answered = false;  // its Listen, before which it hears nothing
    std::string held{};     // notices kept back until then, and while the gate is shut
  };

  void Release(Listener& listener);  // mutex_ is held
  void Serve(const std::shared_ptr<Stream>& stream);
  Then Handle(const std::shared_ptr<Stream>& stream, MuxVersion& version,
              const MuxRequest& request);
  Then HandlePlist(const std::shared_ptr<Stream>& stream, const MuxRequest& request);

  Then Connect(const Call& call);
  Then ConnectTo(const Call& call, const MuxTarget& target);
  Then Listen(const Call& call);
  Then ListDevices(const Call& call);
  Then ListListeners(const Call& call);
  Then ReadBuid(const Call& call);
  Then ReadPairRecord(const Call& call);
  Then SavePairRecord(const Call& call);
  Then DeletePairRecord(const Call& call);

  static Then Answer(const Call& call, std::uint32_t code);
  static Then Answer(const Call& call, const Value::Dict& message);
  void Notify(std::uint64_t listener, const MuxDevice& device, MuxEvent event);
  [[nodiscard]] bool Shown(const MuxDevice& device) const {
    return !only_ || device.phone == *only_;
  }

  MuxDevices& devices_;
  PairRecords& records_;
  Gate& gate_;
  const std::optional<std::string> only_;
  std::mutex mutex_;
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t next_listener_ = 1;
  std::unique_ptr<SocketServer> server_;  // last: its threads use the rest
};

}  // namespace rack
