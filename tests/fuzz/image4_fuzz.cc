// Tickets and payloads: strict DER from a server, a file or a phone.

#include "station/image4/personalise.h"
#include "station/image4/ticket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  if (const auto ticket = station::image4::Ticket::Parse({data, data + size})) {
    (void)ticket->Number("ECID");
    (void)ticket->Octets("BNCH");
    (void)ticket->Digest("ibec");
  }
  (void)station::image4::PayloadDigest(bytes, "rdtr", 48);
  if (const auto whole = station::image4::Personalised::Make(bytes, bytes, std::nullopt)) (void)whole->Assemble();
  return 0;
}
