#include "tests/rack/restore/story.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "tests/rack/restore/chapters.h"
#include "tests/rack/restore/nor.h"

namespace rack {
namespace {

constexpr std::uint64_t kStatusGeneric = 14;
constexpr std::uint64_t kStatusSep = 51;
constexpr std::uint64_t kStatusVerification = ~0ULL;  // -1
constexpr std::chrono::milliseconds kFdrLinger{1000};

std::uint64_t StatusFor(Reason reason) {
  switch (reason) {
    case Reason::kImageDigest:
    case Reason::kAsrChecksum:
    case Reason::kAsrRange:
    case Reason::kDigest:
      return kStatusVerification;
    case Reason::kSepNonce:
      return kStatusSep;
    default:
      return kStatusGeneric;  // NOLINT: every other reason is the generic failure
  }
}

// The booted ramdisk's word on what the manifest's identity for this board names.
std::set<std::string> ComponentsFor(const BootRecord& boot, const Product& product) {
  if (!boot.ramdisk) return {};
  std::string board = product.board;
  std::ranges::transform(board, board.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = boot.ramdisk->components.find(board);
  return found == boot.ramdisk->components.end() ? std::set<std::string>() : found->second;
}

RestoreRun Begin(Phone& phone, Attachment& attachment, FdrControl& fdr, Dialogue& dialogue) {
  BootRecord boot = phone.State().boot;
  Ticket ticket = ReadTicket(boot.ticket).value_or(Ticket());
  auto components = ComponentsFor(boot, phone.Spec().product);
  // The ticket looks into bytes that moving the record leaves where they are.
  return {
      phone, attachment, fdr, dialogue, std::move(boot), std::move(ticket), std::move(components),
      {}};
}

std::vector<Chapter> Chapters() {
  return {
      {{}, TicketSteps()},
      {{}, PartitionSteps()},
      {{0x67B, "perform_restore_installing"}, InstallSteps()},
      {{}, FirmwareSteps()},
      {{}, FinishSteps()},
  };
}

}  // namespace

std::vector<std::string> RestoreStepNames() {
  std::vector<std::string> names = {std::string(kFlashing)};
  for (const Chapter& chapter : Chapters())
    for (const Step& step : chapter.steps) names.emplace_back(step.name);
  return names;
}

RestoreStory::RestoreStory(Phone& phone, Attachment& attachment, FdrControl& fdr,
                           Dialogue& dialogue)
    : run_(Begin(phone, attachment, fdr, dialogue)), boot_number_(phone.State().boot_number) {}

bool RestoreStory::Run() {
  for (const Chapter& chapter : Chapters())
    if (!RunChapter(chapter))
      return false;  // nothing more is said: another message would hide the
                     // failure from some hosts
  run_.dialogue.FinalStatus(0, 0, "");
  (void)run_.dialogue.AwaitFinalAnswer();
  run_.attachment.Wait(kFdrLinger);
  run_.fdr.Close();
  return true;
}

bool RestoreStory::RunChapter(const Chapter& chapter) {
  run_.dialogue.Begin(chapter.checkpoint);
  if (!std::ranges::all_of(chapter.steps, [this](const Step& step) { return RunStep(step); }))
    return false;
  run_.dialogue.Complete(chapter.checkpoint);
  return true;
}

bool RestoreStory::RunStep(const Step& step) {
  if (step.asked != nullptr && !step.asked(run_)) return true;
  run_.dialogue.Begin(step.checkpoint);
  if (step.operation != 0) run_.dialogue.Progress(step.operation, 0);
  StepResult done = PullCableAt(run_.phone, run_.attachment, step.name);
  if (done && step.run != nullptr) done = step.run(run_);
  spdlog::info("phone={} restore_step=\"{}\" done={}", run_.phone.Spec().name, step.name,
               done.has_value());
  if (!done) {
    Fail(step, done.error());
    return false;
  }
  if (step.operation != 0) run_.dialogue.Progress(step.operation, 100);
  run_.dialogue.Complete(step.checkpoint);
  return true;
}

void RestoreStory::Fail(const Step& step, Refusal refusal) {
  if (run_.attachment.Ended()) refusal.reason = Reason::kUnplugged;
  refusal.detail = fmt::format("{}: {}", step.name, refusal.detail);
  run_.phone.Refuse(refusal);
  run_.dialogue.FailAt(step.checkpoint, refusal);
  run_.dialogue.FinalStatus(StatusFor(refusal.reason), static_cast<std::uint16_t>(refusal.reason),
                            refusal.detail);
}

void RestoreStory::Leave(bool succeeded) {
  run_.fdr.Close();
  run_.phone.Ask(succeeded ? Event::kRestoreSucceeded : Event::kRestoreFailed, boot_number_);
  if (const auto after = run_.phone.TakeReplug(); after && !succeeded)
    run_.phone.Ask(Phone::Wish{.kind = Phone::Wish::Kind::kPlugLater, .after = *after});
}

}  // namespace rack
