#pragma once
// The two places an answer goes to: the main connection, shared by all requests, and a data port of
// the phone.

#include <deque>
#include <mutex>

#include "station/base/job_control.h"
#include "station/device/plist_channel.h"
#include "station/restore/answer_channel.h"
#include "station/restore/restored_client.h"

namespace station::restore {

// The main connection: whole messages are sent one at a time; messages that were read too early are
// read again.
struct SharedConnection {
  RestoredClient& restored;
  std::mutex sending{};
  std::deque<plist::Plist> unread{};  // of the thread that reads
};

class MainChannel final : public AnswerChannel {
 public:
  // `reads`: this is the thread that reads the connection; others cannot wait for a word there.
  MainChannel(SharedConnection& shared, bool reads, JobControl& control)
      : shared_(shared), reads_(reads), control_(control) {}
  Status Send(const plist::Plist& answer) override {
    const std::string xml = answer.ToXml();
    return SendWritten(SourceOf(xml));
  }
  Status SendWritten(const ByteSource& message) override {
    const std::lock_guard lock(shared_.sending);
    return shared_.restored.SendWritten(message, control_);
  }
  Result<plist::Plist> Receive(std::chrono::milliseconds timeout) override {
    if (!reads_) return Fail(ErrorCode::kDeviceSilent, "another thread reads the main connection");
    return shared_.restored.Receive(timeout, control_);
  }
  void Unread(plist::Plist message) override { shared_.unread.push_back(std::move(message)); }
  bool IsDataPort() const override { return false; }

 private:
  SharedConnection& shared_;
  bool reads_;
  JobControl& control_;
};

class PortChannel final : public AnswerChannel {
 public:
  PortChannel(device::Connection connection, JobControl& control)
      : channel_(std::move(connection)), control_(control) {}
  Status Send(const plist::Plist& answer) override { return channel_.Send(answer, control_); }
  Status SendWritten(const ByteSource& message) override {
    return channel_.SendWritten(message, control_);
  }
  Result<plist::Plist> Receive(std::chrono::milliseconds timeout) override {
    return channel_.Receive(timeout, control_);
  }
  void Unread(plist::Plist) override {}
  bool IsDataPort() const override { return true; }

 private:
  device::PlistChannel channel_;
  JobControl& control_;
};

}  // namespace station::restore
