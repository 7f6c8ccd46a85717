// Whether this host can restore this firmware: judged before anything is touched.

#include <fmt/format.h>

#include <array>

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

// Up to iOS 15 a host is taken as it is.
constexpr int kFirstThatJudges = 16;

struct Need {
  int since;  // iOS
  const char* name;
  bool (*met)(const HostAbilities& host, std::string_view name);
};

constexpr auto kNeeds = std::to_array<Need>({
    {16, "CheckpointMsg", [](const HostAbilities& h, std::string_view n) { return h.Message(n); }},
    {16, "DataRequestMsg", [](const HostAbilities& h, std::string_view n) { return h.Message(n); }},
    {16, "StatusMsg", [](const HostAbilities& h, std::string_view n) { return h.Message(n); }},
    {18, "AsyncDataRequestMsg",
     [](const HostAbilities& h, std::string_view n) { return h.Message(n); }},
    {18, "AsyncWait", [](const HostAbilities& h, std::string_view n) { return h.Message(n); }},
    {18, "URLAsset", [](const HostAbilities& h, std::string_view n) { return h.Async(n); }},
    {18, "SystemImageData", [](const HostAbilities& h, std::string_view n) { return h.Async(n); }},
});

std::string FirstMissing(const RestoreRun& run) {
  for (const Need& need : kNeeds)
    if (run.os >= need.since && !need.met(run.Host(), need.name)) return need.name;
  for (const Chapter& chapter : ChaptersOf(run))
    for (const Step& step : chapter.steps)
      if (step.data_type != nullptr && !run.Host().Answers(step.data_type) &&
          (step.asked == nullptr || step.asked(run)))
        return step.data_type;
  return "";
}

StepResult CheckHost(RestoreRun& run) {
  if (run.os < kFirstThatJudges) return {};
  const std::string missing = FirstMissing(run);
  if (missing.empty()) return {};
  return Refused(Reason::kHostUnsupported,
                 fmt::format("This host version is unsupported: it lacks {}", missing));
}

StepResult Attest(RestoreRun& run) {
  const auto answer = run.dialogue.Ask("RestoreAttestation");
  if (!answer) return std::unexpected(answer.error());
  const Value* attest = answer->Find("RestoreShouldAttest");
  if (attest == nullptr || attest->AsBool() == nullptr)
    return Refused(Reason::kAnswerMissing, "no RestoreShouldAttest");
  if (*attest->AsBool())
    return Refused(Reason::kAnswerMissing, "this phone has nothing to attest with");
  return {};
}

constexpr Step kSteps[] = {
    {.name = "host",
     .checkpoint = {0x655, "is_host_compatible"},
     .run = CheckHost,
     .status = kUnsupportedHost},
    {.name = "weights", .checkpoint = {0x604, "set_weight_from_options"}},
    {.name = "authinstall", .checkpoint = {0x68F, "libauthinstall_callback"}},
    {.name = "attestation",
     .asked =
         [](const RestoreRun& run) {
           return run.os >= 18 && run.Host().Message("RestoreAttestation");
         },
     .run = Attest},
    {.name = "hoover", .checkpoint = {0x608, "device_has_hoover"}},
};

}  // namespace

std::span<const Step> HostSteps() { return kSteps; }

}  // namespace rack
