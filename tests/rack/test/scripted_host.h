#pragma once
// A host that restores one phone over its ports, as an old or a current client would, but for what
// a test makes it do differently.

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/rack/test/asr_host.h"
#include "tests/rack/test/test_firmware.h"
#include "tests/rack/wire/stream.h"

namespace rack {

class ScriptedHost {
 public:
  enum class Kind { kOld, kCurrent };

  ScriptedHost(RestoreModePhone& phone, TestFirmware firmware, Kind kind);
  ~ScriptedHost();
  ScriptedHost(const ScriptedHost&) = delete;
  ScriptedHost& operator=(const ScriptedHost&) = delete;

  // To be changed before Run.
  Value options;                                             // RestoreOptions
  std::map<std::string, std::function<void(Value&)>> spoil;  // answers, by data type
  std::set<std::string> unanswered;                          // data types
  AsrSpoils spoil_image;
  std::map<std::string, std::function<void(Bytes&)>> spoil_file;  // boot objects, by name
  std::set<std::string> without_pause;  // boot objects sent on without waiting for a question
  bool proxy = true;                    // holds the FDR control connection
  bool carries = true;                  // proxied connections lead somewhere

  // From the first connection to the final status, or until the phone closes. Nothing when it sent
  // no status.
  [[nodiscard]] std::optional<Value> Run();

  // What came over the working connection, a line each: "DataRequestMsg NORData", ...
  [[nodiscard]] std::vector<std::string> Heard() const;
  [[nodiscard]] bool HeardOf(const std::string& line) const;
  [[nodiscard]] const std::vector<Value>& Messages() const { return messages_; }

 private:
  std::shared_ptr<Stream> Connect(std::uint16_t port);
  void Start(std::function<void()> work);
  void Answer(Stream& main, const Value& request);
  void AnswerOn(Stream& stream, const Value& request);
  [[nodiscard]] Value AnswerTo(const std::string& type, const Value& arguments);
  [[nodiscard]] Value Images(const Value& arguments, const std::string& list_key,
                             const std::string& data_key, const std::string& flag);
  [[nodiscard]] Value Nor(const Value& arguments);
  [[nodiscard]] Bytes Signed(const std::string& component);
  void SendImage(std::uint16_t port);
  void SendRaw(Stream& stream, const std::string& name);
  void SendFile(Stream& stream, const std::string& name, Bytes file);
  void ServeProxy();
  void ServeProxied(std::uint16_t port);

  RestoreModePhone& phone_;
  const TestFirmware firmware_;
  const Kind kind_;
  std::vector<Value> messages_;
  std::atomic<bool> proxy_stands_{false};
  std::mutex mutex_;  // threads_
  std::list<std::thread> threads_;
};

}  // namespace rack
