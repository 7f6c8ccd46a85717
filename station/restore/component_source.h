#pragma once
// Components of the chosen identity as the phone wants them: read verified from the store, checked
// against the ticket, personalised.

#include <cstdint>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/image4/ticket.h"
#include "station/store/reader/firmware_reader.h"

namespace station::restore {

class ComponentSource {
 public:
  // Borrows all three.
  ComponentSource(const store::FirmwareReader& reader, const firmware::Identity& identity,
                  const image4::Ticket& ticket)
      : reader_(reader), identity_(identity), ticket_(ticket) {}

  // The component as a whole IMG4. kFirmwareMemberMissing, kFirmwareRotted, kTicketWrongComponent
  // when the ticket states another digest than the payload has.
  [[nodiscard]] Result<std::vector<std::uint8_t>> Personalised(const std::string& component) const;
  // As it lies in the IPSW.
  [[nodiscard]] Result<std::vector<std::uint8_t>> Unchanged(const std::string& component) const;
  [[nodiscard]] Result<store::Image> SystemImage() const;

  [[nodiscard]] const firmware::Identity& Identity() const { return identity_; }
  [[nodiscard]] const image4::Ticket& Ticket() const { return ticket_; }
  [[nodiscard]] const store::FirmwareReader& Reader() const { return reader_; }

 private:
  [[nodiscard]] Result<std::string> PathOf(const std::string& component) const;
  const store::FirmwareReader& reader_;
  const firmware::Identity& identity_;
  const image4::Ticket& ticket_;
};

}  // namespace station::restore
