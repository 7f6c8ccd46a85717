#include "station/ctl/job_text.h"

#include <fmt/format.h>

#include "station/base/enums.h"
#include "station/ctl/port_text.h"

namespace station::ctl {
namespace {

Outcome OutcomeOf(const v1::Job& job) { return static_cast<Outcome>(job.outcome()); }

std::string PortOf(const v1::Job& job) {
  return Printable(job.port_label().empty() ? job.port_key() : job.port_label());
}

std::string StepName(v1::Step step) { return Words(Name(static_cast<Step>(step))); }

std::string EndText(const v1::Job& job) {
  if (OutcomeOf(job) != Outcome::kNone) return Words(Name(OutcomeOf(job)));
  return job.step() == v1::STEP_NONE ? "waiting" : StepName(job.step());
}

Color ColorOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return Color::kBusy;
    case Outcome::kRestored:
    case Outcome::kTried:
      return Color::kGood;
    case Outcome::kRestoredFollowUpFailed:
    case Outcome::kHeld:
    case Outcome::kNeedsButtons:
      return Color::kWarn;
    case Outcome::kCancelled:
      return Color::kDim;
    case Outcome::kNeedsCableOrPort:
    case Outcome::kNeedsFirmwareOrSigning:
    case Outcome::kNoSignOfLife:
    case Outcome::kIndeterminate:
      return Color::kBad;
  }
  return Color::kNone;
}

std::string Took(const google::protobuf::Timestamp& from, const google::protobuf::Timestamp& to) {
  return TimeText(std::chrono::seconds(to.seconds() - from.seconds()));
}

// "name     value" lines; nothing for an empty value.
class Lines {
 public:
  explicit Lines(const Screen& screen) : screen_(screen) {}
  void Add(std::string_view name, std::string_view value, Color color = Color::kNone) {
    if (value.empty()) return;
    constexpr int kIndent = 13;
    bool first = true;
    for (const std::string& line : Wrap(value, screen_.width - kIndent)) {
      text_ += Fit(first ? name : "", kIndent) + Paint(screen_, color, line) + "\n";
      first = false;
    }
  }
  [[nodiscard]] std::string Take() { return std::move(text_); }

 private:
  const Screen& screen_;
  std::string text_;
};

std::string PhoneText(const v1::Phone& phone) {
  std::string text = ProductName(phone);
  if (!phone.product_name().empty() && !phone.product().empty())
    text += fmt::format(" ({})", Printable(phone.product()));
  if (!phone.serial_number().empty()) text += ", serial " + Printable(phone.serial_number());
  return text;
}

std::string StepsText(const v1::Job& job, const Screen& screen) {
  if (job.steps().empty()) return "";
  std::vector<Row> rows;
  for (const v1::StepRecord& step : job.steps()) {
    const std::string took =
        step.has_ended_at() ? Took(step.started_at(), step.ended_at()) : "running";
    rows.push_back({{{StepName(step.step())},
                     {ClockText(step.started_at().seconds())},
                     {took},
                     {step.attempt() > 1 ? std::to_string(step.attempt()) : ""},
                     {step.bytes() > 0 ? BytesText(step.bytes()) : ""}},
                    ""});
  }
  return "\n" + RenderTable({{"STEP"}, {"BEGAN"}, {"TOOK", true}, {"TRY", true}, {"SENT", true}},
                            rows, "", screen);
}

std::string AttemptsText(const v1::Job& job, const Screen& screen) {
  if (job.attempts_size() < 2) return "";
  std::vector<Row> rows;
  for (const v1::AttemptRecord& attempt : job.attempts()) {
    const auto code = ErrorCodeFromNumber(static_cast<std::uint32_t>(attempt.error_code()));
    rows.push_back({{{std::to_string(attempt.attempt())},
                     {attempt.rung().empty() ? "-" : Words(attempt.rung())},
                     {code ? Words(Name(*code)) : "unknown"},
                     {ClockText(attempt.ended_at().seconds())}},
                    ""});
  }
  return "\n" +
         RenderTable({{"TRY", true}, {"BEFORE IT"}, {"ENDED WITH"}, {"AT"}}, rows, "", screen);
}

}  // namespace

std::string RenderJobs(const std::vector<v1::Job>& jobs, const Screen& screen) {
  if (jobs.empty()) return "No jobs yet.\n";
  std::vector<Row> rows;
  for (const v1::Job& job : jobs)
    rows.push_back({{{std::to_string(job.id())},
                     {PortOf(job)},
                     {ProductName(job.phone())},
                     {Words(Name(static_cast<Action>(job.action())))},
                     {EndText(job), ColorOf(OutcomeOf(job))},
                     {Printable(job.firmware_version())},
                     {DateText(job.created_at().seconds())}},
                    Printable(job.what_to_do())});
  return RenderTable({{"JOB", true},
                      {"PORT", false, 4},
                      {"PRODUCT", false, 9},
                      {"ACTION"},
                      {"END", false, 10},
                      {"FIRMWARE", false, 8},
                      {"BEGAN"}},
                     rows, "WHAT TO DO", screen);
}

std::string RenderJob(const v1::Job& job, const Screen& screen) {
  Lines lines(screen);
  lines.Add("job",
            fmt::format("{}{}", job.id(), job.simulated() ? "  SIMULATED: no evidence" : ""));
  lines.Add("port", PortOf(job));
  lines.Add("phone", PhoneText(job.phone()));
  lines.Add("ECID", EcidText(job.phone()));
  lines.Add("action", Words(Name(static_cast<Action>(job.action()))));
  lines.Add("OS before", OsText(job.phone()));
  lines.Add("firmware", Printable(job.firmware_version()));
  lines.Add("OS after", Printable(job.os_build_after()));
  lines.Add("end", EndText(job), ColorOf(OutcomeOf(job)));
  lines.Add("what to do", Printable(job.what_to_do()), Color::kWarn);
  if (const auto code = ErrorCodeFromNumber(static_cast<std::uint32_t>(job.error_code()));
      code && *code != ErrorCode::kNone)
    lines.Add("error", fmt::format("{} ({})", Name(*code), static_cast<int>(*code)));
  lines.Add("detail", Printable(job.context()));
  lines.Add("attempt", job.attempt() > 1 ? std::to_string(job.attempt()) : "");
  lines.Add("began", DateText(job.created_at().seconds()));
  if (job.has_ended_at()) {
    lines.Add("ended", DateText(job.ended_at().seconds()));
    lines.Add("took", Took(job.created_at(), job.ended_at()));
  }
  lines.Add("armed by", Printable(job.actor()));
  lines.Add("signed by", Printable(job.signer_root()));
  return lines.Take() + AttemptsText(job, screen) + StepsText(job, screen);
}

std::string RenderJobLine(const v1::Job& job) {
  std::string line = fmt::format("Job {} on {}: {}", job.id(), PortOf(job), EndText(job));
  if (!job.what_to_do().empty()) line += " - " + Printable(job.what_to_do());
  return line + "\n";
}

}  // namespace station::ctl
