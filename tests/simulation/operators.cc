#include "tests/simulation/operators.h"

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto kExpiry = std::chrono::hours(24);

}  // namespace

template <typename Answer>
daemon::Act<Answer> Operators::Act(const std::string& request,
                                   std::function<std::string(const Answer&)> encode,
                                   std::function<void(const Result<Answer>&)> then) {
  daemon::Act<Answer> act;
  act.request_id = request;
  act.actor = "simulation";
  act.encode = std::move(encode);
  act.reply = [this, request, then = std::move(then)](const Result<Answer>& result) {
    Done(request);
    then(result);
  };
  return act;
}

void Operators::Begin(Ask ask) {
  const std::string request = "request-" + std::to_string(++last_request_);
  open_[request] = ask;
  if (station_.Up()) ask(request);
}

void Operators::AskAgain() {
  const std::map<std::string, Ask> open = open_;
  for (const auto& [request, ask] : open) ask(request);
}

void Operators::SendArm(const daemon::ArmSpec& spec, const Permission& permission,
                        const std::string& request) {
  if (const std::string* answer = ledger_.Answer(request)) {
    Done(request);
    watch_.Permit(std::stoll(*answer)) = permission;
    return;
  }
  const std::function<std::string(const daemon::ArmAnswer&)> encode =
      [](const daemon::ArmAnswer& answer) { return std::to_string(answer.arming.id.value); };
  station_.Cart().Arm(
      spec, Act<daemon::ArmAnswer>(request, encode, [this, permission](const auto& result) {
        if (!result) return watch_.Broken("an arming was refused: " + result.error().context);
        watch_.Permit(result->arming.id.value) = permission;
      }));
}

void Operators::Arm(const Scenario& scenario) {
  std::vector<int> phones = scenario.charges;
  phones.insert(phones.end(), scenario.protected_ones.begin(), scenario.protected_ones.end());
  for (int batch = 0; batch < scenario.batches; ++batch) {
    daemon::ArmSpec spec;
    Permission permission;
    for (std::size_t i = static_cast<std::size_t>(batch); i < phones.size();
         i += static_cast<std::size_t>(scenario.batches)) {
      const Phone& phone = floor_.PhoneAt(phones[i]);
      const int home = scenario.homes[static_cast<std::size_t>(phones[i])];
      switch (scenario.arm_by) {
        case ArmBy::kPorts:
          spec.ports.push_back(KeyOf(home));
          permission.ports.push_back({KeyOf(home)});
          break;
        case ArmBy::kEcids:
          spec.ecids.push_back(ToString(phone.ecid));
          permission.ecids.push_back(phone.ecid);
          break;
        case ArmBy::kSerialNumbers:
          spec.serial_numbers.push_back(phone.serial_number);
          permission.serial_numbers.push_back(phone.serial_number);
          break;
      }
    }
    permission.count = static_cast<int>(permission.ports.size() + permission.ecids.size() +
                                        permission.serial_numbers.size());
    if (permission.count == 0) continue;
    spec.expires_in = kExpiry;
    spec.countdown = scenario.countdown;
    permission.expires = daemon::ToUnixMillis(clock_.Wall()).value +
                         std::chrono::duration_cast<Millis>(kExpiry + 5min).count();
    Begin([this, spec, permission](const std::string& request) {
      SendArm(spec, permission, request);
    });
  }
}

void Operators::ArmPort(int site) {
  daemon::ArmSpec spec;
  spec.ports = {KeyOf(site)};
  spec.expires_in = kExpiry;
  spec.countdown = 3s;
  Permission permission;
  permission.ports = {{KeyOf(site)}};
  permission.count = 1;
  permission.expires = daemon::ToUnixMillis(clock_.Wall()).value +
                       std::chrono::duration_cast<Millis>(kExpiry + 5min).count();
  Begin(
      [this, spec, permission](const std::string& request) { SendArm(spec, permission, request); });
}

void Operators::Cancel(int site) {
  Begin([this, site](const std::string& request) {
    station_.Cart().CancelJob({{}, KeyOf(site)},
                              Act<ledger::JobRow>(request, nullptr, [](const auto&) {}));
  });
}

// All armings that name the port or its phone let it go.
void Operators::Disarm(int site) {
  Begin([this, site](const std::string& request) {
    daemon::DisarmSpec spec;
    spec.ports = {KeyOf(site)};
    const Result<daemon::PortView> view = station_.Cart().FindPort(KeyOf(site));
    const Ecid ecid = view ? view->phone.ecid : Ecid{};
    station_.Cart().Disarm(spec, Act<int>(request, nullptr, [this, ecid](const auto& disarmed) {
                             if (disarmed && *disarmed > 0) watch_.LetGo(ecid);
                           }));
  });
}

void Operators::EmergencyStop(bool engaged) {
  if (!engaged) watch_.EmergencyStop(false);
  Begin([this, engaged](const std::string& request) {
    station_.Cart().SetEmergencyStop(
        engaged, Act<bool>(request, nullptr, [this, engaged](const auto& result) {
          if (result && engaged) watch_.EmergencyStop(true);
        }));
  });
}

void Operators::Retry(int site, JobId job) {
  Begin([this, site, job](const std::string& request) {
    watch_.RetriedByHand(job);
    station_.Cart().RetryJob(
        {{}, KeyOf(site)}, Act<ledger::JobRow>(request, nullptr, [this, site](const auto& result) {
          refusals_[site] = result ? "" : result.error().context;
        }));
  });
}

}  // namespace station::simulation
