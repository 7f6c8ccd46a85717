#pragma once
// One restore of one phone on one port, as a table of steps run in order, and a table of ways: what
// each step does for a phone that was found in that mode.

#include <optional>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "station/firmware/boot_order.h"
#include "station/firmware/build_manifest.h"
#include "station/image4/ticket.h"
#include "station/plist/plist.h"
#include "station/restore/component_source.h"
#include "station/signing/ticket_request.h"
#include "station/store/reader/firmware_reader.h"
#include "station/worker/capture.h"
#include "station/worker/job_reporter.h"
#include "station/worker/phone_on_port.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

// Where the phone's own log of the job goes: beside the journal, one attempt behind the other.
[[nodiscard]] inline std::string PhoneLogOf(const v1::RestoreOrders& orders) {
  return orders.journal_path() + ".phone.log";
}

class RestoreJob {
 public:
  RestoreJob(v1::RestoreOrders orders, std::vector<Fd> descriptors, JobReporter& reporter);

  // From whatever mode the phone is in to a phone that runs the new system. The first error ends
  // it.
  [[nodiscard]] Status Run();
  // The dry run: finds the phone, plans, asks for a ticket only where the orders say so, and
  // reports; changes nothing.
  [[nodiscard]] Status Try();
  // What would happen, a line each; after a Try that ended well.
  [[nodiscard]] const std::string& Report() const { return report_; }
  // As far as known, for the job's record.
  [[nodiscard]] const std::string& OsBuildAfter() const { return os_build_after_; }
  [[nodiscard]] std::string SignerRoot() const { return ticket_ ? ticket_->SignerRoot() : ""; }

  // Whether a job that is stopped here leaves a phone that should be brought back to its own
  // system.
  [[nodiscard]] bool OwesReturn() const { return moved_ && !destroying_ && !orders_.dry_run(); }
  // Brings it back, within kLetGoPatience, whatever mode it is in or on its way to. The job is over
  // by then.
  void LetGo();

 private:
  struct StepRow {
    Step step;
    Status (RestoreJob::*run)();
  };
  static const std::vector<StepRow> kSteps;
  static const std::vector<StepRow> kTrySteps;
  [[nodiscard]] Status Take(const std::vector<StepRow>& steps);

  // What answers on the port.
  enum class Found : std::uint8_t { kNormal, kRecovery, kDfu, kRestore, kSilent };
  using Nonces = device::NormalPhone::Nonces;
  struct Way {
    Found found;
    Status (RestoreJob::*begin)(const usb::UsbPhone& device);  // kIdentify
    bool look_again;                         // `begin` brought it into another mode
    Result<Nonces> (RestoreJob::*nonces)();  // kSign: what the ticket is asked for
    Status (RestoreJob::*to_recovery)();     // kEnterRecovery; null: it is there
  };
  static const std::vector<Way> kWays;

  // The steps, in their order.
  [[nodiscard]] Status Bind();  // kIdentify: is it the job's phone, which mode is it in
  [[nodiscard]] Status Plan();  // kGate: does the firmware have everything for this board
  [[nodiscard]] Status Sign();  // kSign: before the phone leaves the mode it is in
  [[nodiscard]] Status EnterRecovery();
  [[nodiscard]] Status BootRestoreOs();
  [[nodiscard]] Status Restore();  // kStream, and kFlash from within
  [[nodiscard]] Status Confirm();

  // dry_run.cc
  [[nodiscard]] Status TrySign();
  [[nodiscard]] Status WriteReport();
  void ReportPhone();
  void ReportSizes();
  void Say(const std::string& line) { report_ += (report_.empty() ? "" : "\n") + line; }

  // find_phone.cc
  [[nodiscard]] Result<Found> FindOut(const usb::UsbPhone& device);
  [[nodiscard]] Status BeginInNormal(const usb::UsbPhone& device);
  [[nodiscard]] Status BeginOnUsb(const usb::UsbPhone& device);
  [[nodiscard]] Status LeaveRestoreMode(const usb::UsbPhone& device);
  [[nodiscard]] Status CheckInRestoreMode(const usb::UsbPhone& device);
  [[nodiscard]] Status SayItIsSilent(const usb::UsbPhone& device);

  // enter_recovery.cc
  [[nodiscard]] Result<Nonces> NormalNonces();
  [[nodiscard]] Result<Nonces> RecoveryNonces();
  [[nodiscard]] Result<Nonces> DfuNonces();
  [[nodiscard]] signing::PhoneIdentity IdentityFor(Nonces nonces) const;
  [[nodiscard]] Status RequestTicket(Nonces nonces);
  [[nodiscard]] Result<plist::Plist> AskSigner(plist::Plist request);
  [[nodiscard]] Status LeaveNormalMode();
  [[nodiscard]] Status StashKeysOfData(const std::string& udid);
  [[nodiscard]] Status RunIbss();
  [[nodiscard]] Status SignAnewIfNonceChanged();

  // boot_restore_os.cc
  [[nodiscard]] Status StartIbec();
  [[nodiscard]] Status SendIbec();
  [[nodiscard]] Status RebootIntoRecovery();
  [[nodiscard]] Status SendBootItems(boot::RecoveryClient& phone, std::string& sending);
  [[nodiscard]] Status SendBootItem(boot::RecoveryClient& phone, const firmware::BootItem& item,
                                    std::string& sending);
  [[nodiscard]] Status WaitForRestoreMode(const usb::UsbPhone& left);
  [[nodiscard]] Error WhyRefused(Error symptom, std::string_view component);

  // What was just done makes the phone leave `before`: until something else that is `wanted` is
  // there.
  [[nodiscard]] Result<usb::UsbPhone> AwaitChange(boot::ModeChange change,
                                                  const usb::UsbPhone& before,
                                                  const PhoneOnPort::Wanted& wanted);
  void OpenCapture();
  void Note(std::string_view what, std::string_view text) {
    if (capture_) capture_->Note(what, text);
  }
  [[nodiscard]] Status NoteImage(std::string_view what, std::string_view text,
                                 const ByteSource& image) {
    return capture_ ? capture_->NoteImage(what, text, image) : Status();
  }
  [[nodiscard]] Status CheckNeeds(Step step);
  [[nodiscard]] Status CheckArming();
  [[nodiscard]] Error BlameMux(Error reason) const;
  [[nodiscard]] Error AwaitReturn(Error reason, Step step);
  // What it personalises is to be had only as long as it lives.
  [[nodiscard]] restore::ComponentSource Components() const {
    return {*reader_, *identity_, *ticket_, ap_answer_.Get()};
  }

  const v1::RestoreOrders orders_;
  const Ecid ecid_;
  std::vector<Fd> descriptors_;
  JobReporter& reporter_;
  std::unique_ptr<Capture> capture_;  // when the orders want one
  std::optional<PhoneOnPort> phone_;
  const Way* way_ = nullptr;
  std::optional<store::FirmwareReader> reader_;
  std::optional<firmware::BuildManifest> manifest_;
  std::optional<firmware::Identity> identity_;
  std::vector<firmware::BootItem> boot_order_;
  plist::Plist preflight_;  // of normal mode, for the signing server and the restore OS
  std::optional<image4::Ticket> ticket_;
  plist::Plist ap_answer_;  // the signing server's answer the ticket came from
  std::string restore_udid_;
  std::string os_build_after_;
  std::string report_;
  std::string ticket_report_;
  bool ibss_in_dfu_ =
      false;  // iBSS stayed on DFU's product id: iBEC goes the same way (restore-protocol 2.7)
  struct Leaving {
    boot::ModeChange change;
    usb::UsbPhone device;
  };
  std::optional<Leaving> leaving_;  // on its way from one mode to another
  bool moved_ = false;              // it was asked to leave the mode it was found in
  bool destroying_ = false;
};

}  // namespace station::worker
