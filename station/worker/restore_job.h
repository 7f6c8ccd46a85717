#pragma once
// One restore of one phone on one port, as a table of steps run in order.

#include <optional>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "station/boot/recovery_client.h"
#include "station/firmware/build_manifest.h"
#include "station/image4/ticket.h"
#include "station/restore/component_source.h"
#include "station/signing/ticket_request.h"
#include "station/store/reader/firmware_reader.h"
#include "station/worker/job_reporter.h"
#include "station/worker/port_watch.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

class RestoreJob {
 public:
  RestoreJob(v1::RestoreOrders orders, std::vector<Fd> descriptors, JobReporter& reporter);

  // From whatever mode the phone is in to a phone that runs the new system. The first error ends
  // it.
  [[nodiscard]] Status Run();
  // As far as known, for the job's record.
  [[nodiscard]] const std::string& OsBuildAfter() const { return os_build_after_; }
  [[nodiscard]] std::string SignerRoot() const { return ticket_ ? ticket_->SignerRoot() : ""; }

 private:
  struct StepRow {
    Step step;
    Status (RestoreJob::*run)();
  };
  static const std::vector<StepRow> kSteps;

  // The steps, in their order.
  [[nodiscard]] Status Bind();  // kIdentify: is it the job's phone, which mode is it in
  [[nodiscard]] Status Plan();  // kGate: does the firmware have everything for this board
  [[nodiscard]] Status Sign();  // kSign: before the phone leaves the mode it is in
  [[nodiscard]] Status EnterRecovery();
  [[nodiscard]] Status BootRestoreOs();
  [[nodiscard]] Status Restore();  // kStream, and kFlash from within
  [[nodiscard]] Status Confirm();

  // Pieces of them.
  [[nodiscard]] Status CheckEcid(Ecid found, std::string_view where) const;
  [[nodiscard]] Result<boot::RecoveryClient> OpenRecovery();
  [[nodiscard]] Result<plist::Plist> AskSigner(plist::Plist request);
  [[nodiscard]] Status RequestTicket(std::vector<std::uint8_t> ap_nonce,
                                     std::vector<std::uint8_t> sep_nonce);
  [[nodiscard]] Status LeaveRestoreMode(const usb::UsbPhone& device);
  [[nodiscard]] Status StartIbec();
  [[nodiscard]] Status SendBootComponents(boot::RecoveryClient& phone, std::string& sending);
  [[nodiscard]] Status WaitForRestoreMode(const usb::UsbPhone& left);
  [[nodiscard]] Error WhyRefused(Error symptom, std::string_view component);
  [[nodiscard]] Error AwaitReturn(Error reason);
  void LetGo();

  const v1::RestoreOrders orders_;
  const Ecid ecid_;
  std::vector<Fd> descriptors_;
  JobReporter& reporter_;
  std::optional<PortWatch> watch_;
  PhoneMode mode_ = PhoneMode::kNone;
  std::optional<store::FirmwareReader> reader_;
  std::optional<firmware::BuildManifest> manifest_;
  std::optional<firmware::Identity> identity_;
  std::optional<image4::Ticket> ticket_;
  plist::Plist ap_answer_;  // the signing server's answer the ticket came from
  std::string restore_udid_;
  std::string os_build_after_;
  bool destroying_ = false;
};

}  // namespace station::worker
