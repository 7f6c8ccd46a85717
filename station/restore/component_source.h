#pragma once
// Components of the chosen identity as the phone wants them: read verified from the store, checked
// against the ticket, personalised.

#include <cstdint>
#include <string>
#include <vector>

#include "station/base/byte_source.h"
#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/image4/ticket.h"
#include "station/plist/plist.h"
#include "station/store/reader/firmware_reader.h"

namespace station::restore {

class ComponentSource {
 public:
  // Borrows all of them. `answer`: the signing server's, which may hold what a component carries
  // beside the ticket.
  ComponentSource(const store::FirmwareReader& reader, const firmware::Identity& identity,
                  const image4::Ticket& ticket, plist::View answer = {})
      : reader_(reader), identity_(identity), ticket_(ticket), answer_(answer) {}

  // The component as IMG4, for as long as this source lives. Read twice: here, to compare the
  // payload with the ticket, and verified again when it is passed on. kFirmwareMemberMissing,
  // kFirmwareRotted, kTicketWrongComponent when the ticket states another digest than the payload
  // has, kSigningBadAnswer when the answer is incomplete for it.
  [[nodiscard]] Result<ByteSource> Personalised(const std::string& component) const;
  // As it lies in the IPSW.
  [[nodiscard]] Result<std::vector<std::uint8_t>> Unchanged(const std::string& component) const;
  [[nodiscard]] Result<store::Image> SystemImage() const;
  // The member of the IPSW that holds it.
  [[nodiscard]] Result<std::string> PathOf(const std::string& component) const;

  [[nodiscard]] const firmware::Identity& Identity() const { return identity_; }
  [[nodiscard]] const image4::Ticket& Ticket() const { return ticket_; }
  [[nodiscard]] const store::FirmwareReader& Reader() const { return reader_; }

 private:
  // What the ticket says its payload's digest is; empty when it says nothing.
  [[nodiscard]] Result<std::vector<std::uint8_t>> SignedDigest(const std::string& component) const;
  [[nodiscard]] Result<std::vector<std::uint8_t>> RestoreInfoOf(const std::string& component) const;
  [[nodiscard]] Status PassPayload(const std::string& path, const std::string& component,
                                   const ByteSink& sink) const;
  const store::FirmwareReader& reader_;
  const firmware::Identity& identity_;
  const image4::Ticket& ticket_;
  plist::View answer_;
};

}  // namespace station::restore
