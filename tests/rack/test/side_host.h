#pragma once
// A firmware with every chip there is beside the application processor, and a host that serves
// their updaters as the references say, but for what a test has it do wrong.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "tests/rack/forge/marker.h"
#include "tests/rack/restore/step.h"
#include "tests/rack/side/zip.h"

namespace rack {

struct SideFirmware {
  Value manifest;  // with the digests of the files
  std::map<std::string, Bytes> files;
  Marker ramdisk;

  [[nodiscard]] const Value& Identity() const {
    return manifest.Find("BuildIdentities")->AsArray()->front();
  }
  [[nodiscard]] const Bytes& File(const std::string& component) const;
};
// For board d20ap, whose baseband is of Qualcomm's kind; `elements` are those of the baseband's
// entry, when it is to be another.
[[nodiscard]] SideFirmware EveryChip(const Value& elements = {});
[[nodiscard]] Value IntelElements();
[[nodiscard]] Value FlsElements();

class SideHost {
 public:
  explicit SideHost(const SideFirmware& firmware) : firmware_(firmware) {}

  // What a test spoils; each may be empty.
  std::function<void(Value&)> request;     // to the signer
  std::function<void(Value&)> answer;      // of the signer
  std::function<void(Value&)> response;    // FirmwareResponseData
  std::function<void(ZipMembers&)> files;  // of BasebandData; only of the second one
  bool silent_on_data = false;             // sends no FirmwareData
  // What has been asked of it.
  std::vector<Value> asked;

  // Answers one request of the phone.
  [[nodiscard]] Value Serve(const Value& message);

 private:
  [[nodiscard]] Value Sign(Value request);
  [[nodiscard]] Value UpdaterData(const Value& arguments);
  [[nodiscard]] Value BasebandData(const Value& arguments);

  const SideFirmware& firmware_;
};

// A phone in restore mode with that host at the other end.
class SideBench {
 public:
  SideBench(const SideFirmware& firmware, SideHost& host, bool modern,
            const std::string& product = "iPhone10,1", const std::string& build = "20A000");
  ~SideBench();
  [[nodiscard]] RestoreRun& Run() { return *run_; }
  [[nodiscard]] Phone& Device() { return *phone_; }
  // Messages that were no requests.
  [[nodiscard]] std::vector<Value> Told();

 private:
  void ServeHost(int fd);

  SideHost& host_;
  Attachment attachment_;
  std::unique_ptr<Phone> phone_;
  std::unique_ptr<FdrControl> fdr_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Dialogue> dialogue_;
  std::unique_ptr<RestoreRun> run_;
  std::vector<Value> told_;
  std::thread thread_;
};

}  // namespace rack
