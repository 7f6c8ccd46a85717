#pragma once
// The host of a phone that a BootBench has brought into restore mode: answers what hosts of the
// 1.0.0 class answer, but for the one thing a test makes wrong.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "tests/rack/test/asr_host.h"
#include "tests/rack/test/boot_bench.h"

namespace rack {

class RestoreHost {
 public:
  explicit RestoreHost(BootBench& bench) : bench_(bench) {}
  ~RestoreHost();
  RestoreHost(const RestoreHost&) = delete;
  RestoreHost& operator=(const RestoreHost&) = delete;

  // To be changed before Run.
  std::map<std::string, std::function<void(Value&)>> spoil;  // answers, by data type
  AsrSpoils image;
  std::set<std::string> announces;  // data types beyond those of 1.0.0; none: an old host
  std::string leaves_at;            // closes instead of answering this data type

  // Until the final status; then the phone has left restore mode. Null status when none came.
  [[nodiscard]] Value Run();

  // An image of the bench's parts under the ticket that was booted.
  [[nodiscard]] Bytes Signed(const std::string& component) const;

 private:
  std::shared_ptr<Stream> Connect(std::uint16_t port);
  [[nodiscard]] Value Options() const;
  [[nodiscard]] Value Talk(Stream& main);
  [[nodiscard]] bool Answer(Stream& main, const Value& request);
  [[nodiscard]] Value AnswerTo(const std::string& type, const Value& arguments) const;
  void SendImage();

  BootBench& bench_;
  std::shared_ptr<Attachment> ports_;  // shared: the phone's stay may end before this
  std::list<std::thread> threads_;
};

}  // namespace rack
