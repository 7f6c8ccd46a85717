#include "tests/rack/restore/nor.h"

#include <fmt/format.h>

#include "station/base/ids.h"

namespace rack {
namespace {

constexpr std::chrono::hours kUntilPulled{24};

}  // namespace

std::expected<void, Refusal> PullCableAt(Phone& phone, Attachment& attachment,
                                         std::string_view step) {
  if (!phone.TakeUnplugAt(step)) return {};
  phone.Ask(Phone::Wish::Kind::kUnplug);
  attachment.Wait(kUntilPulled);
  return std::unexpected(Refusal{Reason::kUnplugged, fmt::format("cable pulled at {}", step)});
}

std::expected<void, Refusal> FlashNor(Phone& phone, Attachment& attachment, const Ticket& ticket,
                                      const std::set<std::string>& types) {
  phone.ChangeAndSave([](PhoneState& state) { state.nor_complete = false; });
  if (auto pulled = PullCableAt(phone, attachment, kFlashing); !pulled) return pulled;
  if (!attachment.Wait(phone.Spec().timing.flash))
    return std::unexpected(
        Refusal{Reason::kUnplugged, "cable or power lost while boot firmware was written"});
  phone.ChangeAndSave([&](PhoneState& state) {
    state.nor_complete = true;
    for (const std::string& type : types)
      if (const auto component = ticket.components.find(type); component != ticket.components.end())
        state.firmware[type] = station::ToHex(component->second.Octets("DGST").value_or(Bytes()));
  });
  return {};
}

}  // namespace rack
