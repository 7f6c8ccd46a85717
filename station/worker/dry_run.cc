// RestoreJob's dry run: everything a restore reads, and a report instead of what it would write.

#include "station/device/pair_record.h"
#include "station/firmware/inspection.h"
#include "station/worker/restore_job.h"

namespace station::worker {
namespace {

std::string Megabytes(std::uint64_t bytes) {
  return std::to_string((bytes + 500000) / 1000000) + " MB";
}

}  // namespace

const std::vector<RestoreJob::StepRow> RestoreJob::kTrySteps = {
    {Step::kIdentify, &RestoreJob::Bind},
    {Step::kGate, &RestoreJob::Plan},
    {Step::kSign, &RestoreJob::TrySign},
    {Step::kRecord, &RestoreJob::WriteReport},
};

Status RestoreJob::Try() { return Take(kTrySteps); }

// The request is built either way: it shows whether the phone and the firmware give all that it
// needs.
Status RestoreJob::TrySign() {
  if (way_->nonces == nullptr) {
    ticket_report_ = "ticket: not asked for, the phone in restore mode gives no nonce";
    return {};
  }
  STATION_TRY(nonces, (this->*way_->nonces)());
  const std::string sizes = "nonces of " + std::to_string(nonces.ap.size()) + " and " +
                            std::to_string(nonces.sep.size()) + " bytes";
  const signing::PhoneIdentity phone = IdentityFor({nonces.ap, nonces.sep, {}});
  STATION_TRY(request, signing::BuildApRequest(*identity_, phone));
  ticket_report_ =
      "ticket: " + sizes + ", a request of " + std::to_string(request.Get().Size()) + " entries";
  if (!orders_.ask_ticket()) {
    ticket_report_ += "; the signing server was not asked";
    return {};
  }
  STATION_CHECK(RequestTicket(std::move(nonces)));
  ticket_report_ += "; signed under " + ticket_->SignerRoot() +
                    ", for this phone, this boot and all of this firmware";
  return {};
}

Status RestoreJob::WriteReport() {
  const bool update = static_cast<Action>(orders_.action()) == Action::kUpdate;
  Say(std::string(update ? "update" : "erase") + " " + orders_.product() + " (" +
      identity_->Board() + ") with " + manifest_->ProductVersion() + " (" +
      manifest_->ProductBuildVersion() + "): " + identity_->Variant());
  ReportPhone();
  Say(ticket_report_);
  ReportSizes();
  Say(update ? "user data: kept, where the phone can still open it" : "user data: destroyed");
  Say("nothing was changed");
  return {};
}

void RestoreJob::ReportPhone() {
  switch (way_->found) {
    case Found::kNormal:
      break;
    case Found::kRecovery:
      return Say("phone: in recovery mode, from where it is booted");
    case Found::kDfu:
      return Say(
          "phone: in DFU mode; it is given an iBSS first, and signed for again if its nonce "
          "changes");
    case Found::kRestore:
      return Say(
          "phone: in restore mode, left over from a restore; it would be rebooted out of it first");
    case Found::kSilent:
      return;
  }
  auto phone = phone_->OpenNormal();
  if (!phone) return Say("phone: " + phone.error().context);
  const auto facts = phone->ReadFacts();
  const bool paired = facts && device::HasPairRecord(facts->udid);
  Say("phone: in normal mode, runs " + (facts ? facts->os_version + " (" + facts->os_build + ")"
                                              : std::string("an unknown system")));
  Say(paired ? "into recovery mode: it is asked to, if need be in a session; this host is paired "
               "with it"
             : "into recovery mode: it is asked to; from iOS 14.5 on that needs a tap on Trust "
               "before, or its buttons");
  if (static_cast<Action>(orders_.action()) == Action::kUpdate && phone->ReadHasSidp())
    Say("passcode: the phone will ask for it before it leaves, so that its data can be kept");
}

void RestoreJob::ReportSizes() {
  const auto inspection = firmware::Inspect(*manifest_, identity_->Board(),
                                            static_cast<Action>(orders_.action()), nullptr, 0);
  if (!inspection) return Say("firmware: " + inspection.error().context);
  std::uint64_t always = 0;
  std::uint64_t image = 0;
  for (const firmware::Part& part : inspection->parts) {
    const std::uint64_t size = part.path.empty() ? 0 : reader_->SizeOf(part.path).value_or(0);
    if (firmware::SentAlways(part.chapter)) always += size;
    if (part.chapter == firmware::Chapter::kImage) image += size;
  }
  Say("to the phone: " + std::to_string(boot_order_.size()) + " boot components" +
      ", a system image of " + Megabytes(image) + ", " + Megabytes(always) +
      " in all, and what it asks for besides");
  std::string tickets;
  for (const std::string& ticket : inspection->tickets)
    tickets += (tickets.empty() ? "" : ", ") + ticket;
  Say("tickets: " + tickets);
  for (const std::string& note : inspection->notes) Say("note: " + note);
  for (const std::string& beyond : inspection->beyond) Say("beyond this station: " + beyond);
}

}  // namespace station::worker
