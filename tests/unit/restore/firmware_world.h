#pragma once
// A stored firmware without a store, a ticket signed on the spot, and what providers need around
// them.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "station/base/job_control.h"
#include "station/firmware/build_manifest.h"
#include "station/image4/ticket.h"
#include "station/restore/component_source.h"
#include "station/restore/data_requests.h"
#include "station/store/reader/firmware_reader.h"

namespace station::restore::testing {

using Bytes = std::vector<std::uint8_t>;

[[nodiscard]] Bytes ToBytes(std::string_view text);
// SEQUENCE { "IM4P", type, "v1", OCTET STRING content }.
[[nodiscard]] Bytes MakeIm4p(const std::string& type, const Bytes& content);
// An IM4M that states these digests of components, signed by a key made for the occasion.
[[nodiscard]] image4::Ticket MakeTicket(const std::map<std::string, Bytes>& digests = {});
// Members of an IPSW, stored; those in `images` can be streamed with ASR digests.
[[nodiscard]] store::FirmwareReader MakeReader(const std::map<std::string, Bytes>& members,
                                               const std::vector<std::string>& images = {});

class FreeRun final : public JobControl {
 public:
  void Progress(double, std::uint64_t, std::uint64_t) override {}
  Status KeepGoing() override { return {}; }
  Status Pause(std::chrono::milliseconds) override { return {}; }
};

// An answer channel that keeps what is sent, parsed.
class KeptAnswers final : public AnswerChannel {
 public:
  explicit KeptAnswers(bool data_port = false) : data_port_(data_port) {}
  Status Send(const plist::Plist& answer) override;
  Status SendWritten(const ByteSource& message) override;
  Result<plist::Plist> Receive(std::chrono::milliseconds timeout) override;
  void Unread(plist::Plist message) override { unread.push_back(std::move(message)); }
  bool IsDataPort() const override { return data_port_; }

  std::vector<plist::Plist> sent;
  std::vector<std::string> written;
  std::vector<plist::Plist> to_receive;
  std::vector<plist::Plist> unread;

 private:
  bool data_port_;
};

// Everything a provider is given. The signer answers `signer_answer` and remembers what it was
// asked.
class FirmwareWorld {
 public:
  FirmwareWorld(plist::Plist identity, const std::map<std::string, Bytes>& members,
                image4::Ticket ticket = MakeTicket(), const std::vector<std::string>& images = {});
  [[nodiscard]] ProviderContext Context();
  // The request as a phone would make it; arguments are XML.
  [[nodiscard]] Status Provide(const std::string& type, const std::string& arguments_xml,
                               AnswerChannel& channel);

  plist::Plist identity_node;
  firmware::Identity identity;
  store::FirmwareReader reader;
  image4::Ticket ticket;
  ComponentSource components;
  RestoreSetup setup;
  FreeRun control;
  RestoreMemory memory;
  plist::Plist signer_answer = plist::Plist::Dict();
  std::vector<plist::Plist> asked;
};

[[nodiscard]] plist::Plist ParseXml(std::string_view xml);
// All a source passes on; as many bytes as it announced.
[[nodiscard]] Bytes All(const ByteSource& source);

}  // namespace station::restore::testing
