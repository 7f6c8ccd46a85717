#include "station/daemon/cart/supplies.h"

#include <fmt/format.h>

#include <algorithm>

#include "station/base/log.h"
#include "station/daemon/cart/window.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kFirstPause = 30s;
constexpr std::chrono::seconds kLongestPause = 30min;
constexpr auto kTellInterval = 1s;

std::string SizeText(std::uint64_t bytes) {
  return bytes < 1'000'000'000 ? fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6)
                               : fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

std::string NameText(const Offer& offer) {
  return fmt::format("{} ({})", offer.version, offer.build);
}

std::string TimeText(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return HourText(local.tm_hour * 60 + local.tm_min);
}

std::string LeftText(std::chrono::seconds left) {
  return left < 60s ? fmt::format("{} s left", left.count())
                    : fmt::format("{} min left", (left.count() + 59) / 60);
}

std::string FetchingText(const Offer& offer, const TakingIn& view) {
  if (view.waits) return "Waits for another download before " + NameText(offer) + ".";
  std::string text = "Fetching " + NameText(offer);
  if (view.bytes_total > 0)
    text += fmt::format(": {} %, {} of {}", 100 * view.bytes_done / view.bytes_total,
                        SizeText(view.bytes_done), SizeText(view.bytes_total));
  if (view.bytes_per_second > 0) text += fmt::format(", {:.0f} MB/s", view.bytes_per_second / 1e6);
  if (view.eta) text += ", " + LeftText(*view.eta);
  return text + "; the phone goes on by itself.";
}

}  // namespace

const Offer* ChooseOffer(const std::vector<Offer>& offers) {
  for (const Offer& offer : offers)
    if (offer.is_signed.value_or(false)) return &offer;
  for (const Offer& offer : offers)
    if (!offer.is_signed) return &offer;
  return nullptr;
}

Supplies::Supplies(SupplySettings settings, SupplyParts parts)
    : settings_(std::move(settings)), parts_(std::move(parts)), look_(parts_.clock) {}

std::string Supplies::Text(const std::string& product) const {
  const auto found = supplies_.find(product);
  if (found == supplies_.end()) return {};
  const Supply& supply = found->second;
  switch (supply.stage) {
    case Stage::kFinding:
      return "Looking for the newest signed firmware.";
    case Stage::kWaiting:
      return fmt::format("Waits until {} to fetch {}, {}.", TimeText(supply.next),
                         NameText(*supply.offer), SizeText(supply.offer->size));
    case Stage::kFetching:
      return FetchingText(*supply.offer, supply.view);
    case Stage::kFailed:
      return fmt::format("Not fetched, tried again at {}: {}", TimeText(supply.next),
                         OperatorLine(supply.error.code));
  }
  return {};
}

void Supplies::OnPort(const PortView& port) {
  if (!settings_.automatic) return;
  const auto action = LacksFirmware(port) ? parts_.wants_latest(port) : std::nullopt;
  const bool known = lacking_.contains(port.key);
  if (action) lacking_.insert_or_assign(port.key, Lack{port.phone, *action});
  if (!action && known) lacking_.erase(port.key);
  // Not from within what the cart is doing.
  if (action.has_value() != known && !look_.Running()) look_.Set(0ms, [this] { Look(); });
}

bool Supplies::Lacking(const std::string& product) const {
  return std::ranges::any_of(lacking_,
                             [&](const auto& row) { return row.second.phone.product == product; });
}

void Supplies::Look() {
  // What is on its way goes on: the next phone of that model will want it.
  std::erase_if(supplies_, [&](const auto& row) {
    const Stage stage = row.second.stage;
    return (stage == Stage::kWaiting || stage == Stage::kFailed) && !Lacking(row.first);
  });
  for (const auto& [port, lack] : lacking_) {
    const std::string& product = lack.phone.product;
    if (supplies_.contains(product)) continue;
    supplies_.try_emplace(product, parts_.clock).first->second.lack = lack;
    Begin(product);
  }
}

void Supplies::Find(const Lack& lack, Errands::Asker asker) {
  parts_.errands.Start("find",
                       FindTask{.phone = lack.phone,
                                .action = lack.action,
                                .want = "latest",
                                .vendor_list_url = settings_.vendor_list_url,
                                .ipsw_me_url = settings_.ipsw_me_url,
                                .signing_url = settings_.signing_url,
                                .signing_ca_file = settings_.signing_ca_file,
                                .network = settings_.network},
                       std::move(asker));
}

void Supplies::Begin(const std::string& product) {
  Supply& supply = supplies_.at(product);
  supply.stage = Stage::kFinding;
  for (const auto& [port, lack] : lacking_)
    if (lack.phone.product == product) supply.lack = lack;
  Find(supply.lack, {.done = [this, product](const Errands::Answer& answer) {
         if (supplies_.contains(product)) Found(product, answer);
       }});
  parts_.on_text(product);
}

void Supplies::Found(const std::string& product, const Errands::Answer& answer) {
  if (answer.ended.error != ErrorCode::kNone)
    return Failed(product, {answer.ended.error, answer.ended.context});
  const Offer* choice = ChooseOffer(answer.offers);
  if (choice == nullptr)
    return Failed(product, {ErrorCode::kSigningNotSigned, "nothing offered is signed"});
  supplies_.at(product).offer = *choice;
  Fetch(product);
}

Wanted Supplies::WantedOf(const Offer& offer) {
  return {.path = {},
          .urls = offer.urls,
          .sha256 = offer.sha256,
          .sha1 = offer.sha1,
          .size = offer.size};
}

void Supplies::Fetch(const std::string& product) {
  const WallTime now = parts_.clock.Wall();
  if (const auto closed = UntilOpen(settings_.window, now)) return AwaitWindow(product, *closed);
  Supply& supply = supplies_.at(product);
  supply.stage = Stage::kFetching;
  supply.view = {};
  const Wanted wanted = WantedOf(*supply.offer);
  if (const auto open = UntilClosed(settings_.window, now))
    supply.closing.Set(*open, [this, wanted] { parts_.imports.Cancel(wanted); });
  Log(LogLevel::kInfo, "fetching what phones lack",
      {{"product", product}, {"build", supply.offer->build}});
  parts_.imports.Add(wanted, {.progress =
                                  [this, product](const TakingIn& view) {
                                    const auto found = supplies_.find(product);
                                    if (found == supplies_.end()) return;
                                    Supply& told = found->second;
                                    told.view = view;
                                    if (parts_.clock.Now() - told.told < kTellInterval) return;
                                    told.told = parts_.clock.Now();
                                    parts_.on_text(product);
                                  },
                              .done =
                                  [this, product](const Result<store::Entry>& entry) {
                                    if (supplies_.contains(product)) Fetched(product, entry);
                                  }});
  parts_.on_text(product);
}

void Supplies::AwaitWindow(const std::string& product, std::chrono::milliseconds time) {
  Supply& supply = supplies_.at(product);
  supply.stage = Stage::kWaiting;
  supply.next = parts_.clock.Wall() + time;
  supply.again.Set(time, [this, product] { Fetch(product); });
  parts_.on_text(product);
}

void Supplies::Fetched(const std::string& product, const Result<store::Entry>& entry) {
  supplies_.at(product).closing.Stop();
  if (!entry && entry.error().code == ErrorCode::kCancelled)
    if (const auto closed = UntilOpen(settings_.window, parts_.clock.Wall()))
      return AwaitWindow(product, *closed);
  if (!entry) return Failed(product, entry.error());
  // The ports were considered again when it came; one that still lacks it would never end.
  if (Lacking(product))
    return Failed(product,
                  {ErrorCode::kFirmwareNoIdentity, "what was fetched is not for " + product});
  supplies_.erase(product);
}

void Supplies::Failed(const std::string& product, Error error) {
  LogError(LogLevel::kWarning, "what phones lack was not fetched", error, {{"product", product}});
  Supply& supply = supplies_.at(product);
  supply.stage = Stage::kFailed;
  supply.error = std::move(error);
  // What an operator stopped is not begun again right away.
  const bool stopped = supply.error.code == ErrorCode::kCancelled;
  const auto pause = stopped
                         ? std::chrono::seconds(kLongestPause)
                         : std::min<std::chrono::seconds>(
                               kFirstPause * (1 << std::min(supply.failures++, 10)), kLongestPause);
  supply.next = parts_.clock.Wall() + pause;
  supply.again.Set(pause, [this, product] {
    if (Lacking(product))
      Begin(product);
    else
      Look();
  });
  parts_.on_text(product);
}

}  // namespace station::daemon
