#pragma once
// What held phones lack, found and fetched by itself: once for all ports that wait for it. It
// watches the ports like any observer, and tells them how far their firmware is.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "config/config.h"
#include "station/daemon/cart/errands.h"
#include "station/daemon/cart/imports.h"
#include "station/daemon/cart/view.h"

namespace station::daemon {

struct SupplySettings {
  bool automatic = false;
  std::string vendor_list_url;
  std::string ipsw_me_url;
  std::string signing_url;
  std::filesystem::path signing_ca_file;
  Network network;
  std::optional<config::Window> window;

  [[nodiscard]] bool HasCatalogue() const {
    return !vendor_list_url.empty() || !ipsw_me_url.empty();
  }
};

// What a port lacks: the phone's model decides, the phone itself is whom to ask the signer for.
struct Lack {
  ledger::PhoneFacts phone;
  Action action = Action::kErase;
};

struct SupplyParts {
  Clock& clock;
  Errands& errands;
  Imports& imports;
  // Of a held port: the action it is armed for; nothing when a certain firmware was named.
  std::function<std::optional<Action>(const PortView&)> wants_latest;
  // The text of a product has changed.
  std::function<void(const std::string& product)> on_text;
};

// The one the signer signs; where it was not asked, the newest. Null when there is none.
[[nodiscard]] const Offer* ChooseOffer(const std::vector<Offer>& offers);

class Supplies : public CartObserver {
 public:
  Supplies(SupplySettings settings, SupplyParts parts);

  // What an operator reads at a port that lacks firmware for this product; empty: nothing to say.
  [[nodiscard]] std::string Text(const std::string& product) const;
  [[nodiscard]] bool HasCatalogue() const { return settings_.HasCatalogue(); }
  // Asks catalogues and signer what is newest for that phone.
  void Find(const Lack& lack, Errands::Asker asker);

  void OnPort(const PortView& port) override;
  void OnCart(const CartView&) override {}
  void OnJobEnded(const ledger::JobRow&) override {}
  void OnStepEnded(Step, std::chrono::duration<double>) override {}
  void OnBytes(const PortView&, std::uint64_t) override {}

 private:
  enum class Stage : std::uint8_t { kFinding, kWaiting, kFetching, kFailed };
  struct Supply {
    explicit Supply(Clock& clock) : again(clock), closing(clock) {}
    Lack lack;
    Stage stage = Stage::kFinding;
    std::optional<Offer> offer;
    TakingIn view;
    Error error;
    int failures = 0;
    WallTime next{};  // when it is tried again, or the window opens
    Timer again;
    Timer closing;  // of the window
    SteadyTime told{};
  };
  void Look();
  [[nodiscard]] bool Lacking(const std::string& product) const;
  void Begin(const std::string& product);
  void Found(const std::string& product, const Errands::Answer& answer);
  void Fetch(const std::string& product);
  void AwaitWindow(const std::string& product, std::chrono::milliseconds time);
  void Fetched(const std::string& product, const Result<store::Entry>& entry);
  void Failed(const std::string& product, Error error);
  [[nodiscard]] static Wanted WantedOf(const Offer& offer);

  SupplySettings settings_;
  SupplyParts parts_;
  std::map<PortKey, Lack> lacking_;
  std::map<std::string, Supply> supplies_;  // by product
  Timer look_;
};

}  // namespace station::daemon
