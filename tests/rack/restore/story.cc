#include "tests/rack/restore/story.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "tests/rack/model/peripherals.h"
#include "tests/rack/restore/chapters.h"
#include "tests/rack/restore/nor.h"

namespace rack {
namespace {

constexpr std::chrono::milliseconds kFdrLinger{1000};
constexpr std::chrono::hours kForEverAlmost{24};
constexpr std::chrono::milliseconds kHoldSlice{5};  // how soon the end of a hold is seen
constexpr Checkpoint kResetBootCommand = {0x67C, "cleanup_boot_command"};
constexpr Checkpoint kCheckResult = {0x647, "cleanup_check_result"};
constexpr Checkpoint kFinalStatus = {0x648, "cleanup_send_final_status"};

// A wrong digest is a verification error in whichever step it shows, unless the step has a failure
// of its own.
std::int64_t StatusFor(const Step& step, Reason reason) {
  if (step.status != kGenericFailure) return step.status;
  switch (reason) {
    case Reason::kImageDigest:
    case Reason::kAsrChecksum:
    case Reason::kAsrRange:
    case Reason::kDigest:
      return kVerificationError;
    case Reason::kSepNonce:
      return kSepFailure;
    default:
      return kGenericFailure;  // NOLINT: every other reason is the generic failure
  }
}

int OsOf(const BootRecord& boot) {
  return boot.ramdisk ? std::atoi(VersionForBuild(boot.ramdisk->build).c_str()) : 0;
}

RestoreRun Begin(Phone& phone, Attachment& attachment, FdrControl& fdr, Dialogue& dialogue) {
  BootRecord boot = phone.State().boot;
  Ticket ticket = ReadTicket(boot.ticket).value_or(Ticket());
  auto components = boot.ramdisk ? FactsFor(*boot.ramdisk, phone.Spec().product).components
                                 : std::set<std::string>();
  const int os = OsOf(boot);
  // The ticket looks into bytes that moving the record leaves where they are.
  return {phone,
          attachment,
          fdr,
          dialogue,
          std::move(boot),
          std::move(ticket),
          std::move(components),
          os,
          nullptr,
          {},
          {},
          {}};
}

}  // namespace

std::vector<std::string> RestoreStepNames() {
  std::vector<std::string> names = StepNames();
  names.emplace_back(kFlashing);
  return names;
}

RestoreStory::RestoreStory(Phone& phone, Attachment& attachment, FdrControl& fdr,
                           Dialogue& dialogue)
    : run_(Begin(phone, attachment, fdr, dialogue)), boot_number_(phone.State().boot_number) {}

bool RestoreStory::Run() {
  const std::vector<Chapter> chapters = ChaptersOf(run_);
  if (!std::ranges::all_of(chapters, [this](const Chapter& c) { return RunChapter(c); }))
    return false;  // and nothing more is said: another message would hide the failure from some
                   // hosts (reference 6.5)
  run_.dialogue.Begin(kFinalStatus);
  run_.dialogue.FinalStatus(0, "");
  (void)run_.dialogue.AwaitFinalAnswer();
  run_.attachment.Wait(kFdrLinger);
  run_.fdr.Close(run_.Host().modern);
  return true;
}

bool RestoreStory::RunChapter(const Chapter& chapter) {
  if (chapter.opens.id != 0) Open(chapter.opens);
  if (!std::ranges::all_of(chapter.steps, [this](const Step& step) { return RunStep(step); }))
    return false;
  if (chapter.closes.id != 0) Close(chapter.closes);
  return true;
}

bool RestoreStory::RunStep(const Step& step) {
  if (step.asked != nullptr && !step.asked(run_)) return true;
  if (step.data_type != nullptr && !run_.Host().Answers(step.data_type)) return true;
  if (step.checkpoint.id != 0) Open(step.checkpoint);
  if (step.operation != 0) run_.dialogue.Progress(step.operation, -1);
  std::int64_t status = 0;
  const StepResult done = Perform(step, status);
  spdlog::info("phone={} restore_step=\"{}\" done={}", run_.phone.Spec().name, step.name,
               done.has_value());
  if (!done) {
    Fail(step, done.error(), status != 0 ? status : StatusFor(step, done.error().reason));
    return false;
  }
  if (step.checkpoint.id != 0) Close(step.checkpoint);
  return true;
}

// The step, unless a fault stands in its place. `status` is left alone when the step decides.
StepResult RestoreStory::Perform(const Step& step, std::int64_t& status) {
  using enum StepFault::Kind;
  while (run_.phone.Holds(step.name) && !run_.dialogue.HostIsGone() &&
         run_.attachment.Wait(kHoldSlice)) {
  }
  if (StepResult pulled = PullCableAt(run_.phone, run_.attachment, step.name); !pulled)
    return pulled;
  const auto fault = run_.phone.TakeStepFault(step.name);
  if (!fault) return step.run == nullptr ? StepResult() : step.run(run_);
  switch (fault->kind) {
    case kFail:
      status = fault->status;
      return Refused(Reason::kFault, "told to fail");
    case kSilent:
      run_.attachment.Wait(kForEverAlmost);
      return Refused(Reason::kHostGone, "said nothing more until the cable was pulled");
    case kClose:
      if (run_.Host().Message("RestoredCrash"))
        run_.dialogue.Tell(Value::Dict{
            {"MsgType", "RestoredCrash"},
            {"RestoredBacktrace", Value::Array{fmt::format("restored: {}", step.name), "main"}}});
      run_.dialogue.Break();
      return Refused(Reason::kFault, "restored crashed, as told");
  }
  return {};
}

void RestoreStory::Open(const Checkpoint& checkpoint) {
  open_.push_back(checkpoint);
  log_ += fmt::format("CHECKPOINT BEGIN: RESTORED:[0x{:04X}] {}\n", checkpoint.id, checkpoint.name);
  run_.dialogue.Begin(checkpoint);
}

void RestoreStory::Close(const Checkpoint& checkpoint) {
  std::erase_if(open_, [&](const Checkpoint& open) { return open.id == checkpoint.id; });
  log_ += fmt::format("CHECKPOINT END: RESTORED:[0x{:04X}] {}\n", checkpoint.id, checkpoint.name);
  run_.dialogue.Complete(checkpoint);
}

void RestoreStory::Fail(const Step& step, Refusal refusal, std::int64_t status) {
  if (run_.image) run_.image->Stop();
  if (run_.attachment.Ended()) refusal.reason = Reason::kUnplugged;
  const std::string error = fmt::format("[0]D({})", refusal.detail);
  refusal.detail = fmt::format("{}: {}", step.name, refusal.detail);
  run_.phone.Refuse(refusal);
  for (; !open_.empty(); open_.pop_back()) {
    const Checkpoint& failed = open_.back();
    log_ += fmt::format("CHECKPOINT FAILURE:(FAILURE:{}) RESTORED:[0x{:04X}] {} {}\n", status,
                        failed.id, failed.name, error);
    run_.dialogue.FailAt(failed, status, error);
  }
  for (const Checkpoint& cleaning : {kResetBootCommand, kCheckResult}) {
    Open(cleaning);
    Close(cleaning);
  }
  Open(kFinalStatus);
  run_.dialogue.FinalStatus(status, log_);
}

void RestoreStory::Leave(bool succeeded) {
  run_.fdr.Close(run_.Host().modern);
  const bool starts = succeeded && run_.phone.State().os_complete;
  run_.phone.Ask(starts ? Event::kRestoreSucceeded : Event::kRestoreFailed, boot_number_);
  if (const auto after = run_.phone.TakeReplug(); after && !succeeded)
    run_.phone.Ask(Phone::Wish{.kind = Phone::Wish::Kind::kPlugLater, .after = *after});
}

}  // namespace rack
