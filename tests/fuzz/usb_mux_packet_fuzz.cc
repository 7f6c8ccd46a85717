// What a usbmuxd sends to a phone on its bulk endpoint, as the rack reads it: a packet, and in it a
// version or a segment. A segment that was understood says the same when it is written and read
// once more.

#include <algorithm>
#include <cstdlib>

#include "tests/rack/mux/usb_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rack;
  const auto packet = ParseUsbMuxPacket({data, size});
  if (!packet) return 0;
  (void)ParseUsbMuxVersion(packet->body);
  const auto segment = ParseUsbMuxSegment(packet->body);
  if (!segment) return 0;
  const auto written = UsbMuxSegmentPacket(packet->sequence, *segment);
  const auto again = ParseUsbMuxPacket(written);
  const auto back = again ? ParseUsbMuxSegment(again->body) : std::nullopt;
  const bool same = back && back->source == segment->source && back->target == segment->target &&
                    back->sequence == segment->sequence &&
                    back->acknowledged == segment->acknowledged && back->flags == segment->flags &&
                    back->window == segment->window &&
                    std::ranges::equal(back->payload, segment->payload);
  if (!same) std::abort();
  return 0;
}
