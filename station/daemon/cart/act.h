#pragma once
// An operator's act: who, under which request id, and where the answer goes once everything is
// durable.

#include <functional>
#include <string>

#include "station/base/result.h"
#include "station/ledger/recorder.h"

namespace station::daemon {

template <typename Answer>
struct Act {
  std::string request_id;  // empty: not protected against being sent twice
  std::string method;
  std::string actor;
  // The answer as it will be given again when the request id comes again; stored together with the
  // act itself.
  std::function<std::string(const Answer&)> encode;
  std::function<void(Result<Answer>)> reply;  // exactly once, on the state thread
};

// Answers the act once `records`, and the answer for its request id, are on disk.
template <typename Answer>
void CommitAct(ledger::Recorder& ledger, std::vector<ledger::Record> records, Answer answer,
               Act<Answer> act, ledger::UnixMillis now) {
  if (!act.request_id.empty() && act.encode)
    records.push_back(ledger::PutAnswer{act.request_id, act.method, act.encode(answer), now});
  ledger.Append(std::move(records),
                [answer = std::move(answer), reply = std::move(act.reply)](Status status) {
                  if (status)
                    reply(answer);
                  else
                    reply(std::unexpected(status.error()));
                });
}

}  // namespace station::daemon
