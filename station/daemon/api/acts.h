#pragma once
// Acts are idempotent: a request id that was answered gets the same answer again, and nothing is
// done.

#include <mutex>
#include <set>
#include <string>
#include <type_traits>

#include "station/daemon/api/answers.h"
#include "station/daemon/api/ask.h"
#include "station/daemon/api/long_act.h"
#include "station/daemon/cart/act.h"
#include "station/daemon/cart/clock.h"
#include "station/ledger/reader.h"

namespace station::daemon {

class Acts {
 public:
  Acts(StateThread& state, ledger::Recorder& ledger, ledger::Reader& reader, Clock& clock)
      : state_(state), ledger_(ledger), reader_(reader), clock_(clock) {}

  // `convert` writes an Answer into a Response, `act` carries it out on the state thread.
  template <typename Answer, typename Request, typename Response>
  [[nodiscard]] grpc::Status Perform(
      const std::string& method, const std::string& actor, const Request& request,
      Response* response,
      std::function<void(const Answer&, std::type_identity_t<Response>&)> convert,
      std::function<void(Act<Answer>)> act) {
    const std::string id = request.request_id();
    const InFlight guard(*this, id);
    const auto earlier = Earlier(guard, method, *response);
    if (!earlier) return ToGrpc(earlier.error());
    if (*earlier) return grpc::Status::OK;
    const auto encode = [convert](const Answer& answer) {
      Response encoded;
      convert(answer, encoded);
      return encoded.SerializeAsString();
    };
    Result<Answer> answer = state_.Ask<Answer>([&](std::function<void(Result<Answer>)> reply) {
      act(Act<Answer>{id, method, actor, encode, std::move(reply)});
    });
    if (!answer) return ToGrpc(answer.error());
    convert(*answer, *response);
    return grpc::Status::OK;
  }

  // What a long act that has begun reports to, on the state thread.
  template <typename Response>
  struct Reports {
    std::function<void(Response)> tell;
    std::function<void(Result<Response>)> end;  // exactly once
  };
  // An act that takes long. `begin` starts it on the state thread; what it ends with is kept for
  // its request id also when the caller hung up meanwhile.
  template <typename Request, typename Response>
  [[nodiscard]] grpc::Status PerformLong(const std::string& method,
                                         const grpc::ServerContext& context, const Request& request,
                                         grpc::ServerWriter<Response>& writer,
                                         std::function<Status(Reports<Response>)> begin) {
    const std::string id = request.request_id();
    const InFlight guard(*this, id);
    Response answered;
    const auto earlier = Earlier(guard, method, answered);
    if (!earlier) return ToGrpc(earlier.error());
    if (*earlier) return writer.Write(answered) ? grpc::Status::OK : grpc::Status::CANCELLED;
    // shared_ptr: the act goes on when the caller hangs up.
    const auto act = std::make_shared<LongAct<Response>>();
    const Reports<Response> reports{
        .tell = [act](Response progress) { act->Tell(std::move(progress)); },
        .end =
            [this, act, id, method](Result<Response> last) {
              if (!last) return act->End(std::move(last));
              CommitAct<Response>(
                  ledger_, {}, std::move(*last),
                  {.request_id = id,
                   .method = method,
                   .actor = {},
                   .encode = [](const Response& one) { return one.SerializeAsString(); },
                   .reply = [act](Result<Response> kept) { act->End(std::move(kept)); }},
                  ToUnixMillis(clock_.Wall()));
            }};
    const auto begun = state_.Read<bool>([&]() -> Result<bool> {
      STATION_CHECK(begin(reports));
      return true;
    });
    return begun ? act->Follow(context, writer) : ToGrpc(begun.error());
  }

  [[nodiscard]] StateThread& State() { return state_; }
  [[nodiscard]] ledger::Reader& Reader() { return reader_; }

 private:
  struct InFlight;
  // Whether that request was answered before, and how.
  template <typename Response>
  [[nodiscard]] Result<bool> Earlier(const InFlight& guard, const std::string& method,
                                     Response& response) {
    if (guard.id.size() > 128)
      return Fail(ErrorCode::kBadRequest, "a request id has up to 128 characters");
    if (!guard.entered)
      return Fail(ErrorCode::kUnavailable, "request " + guard.id + " is being carried out");
    if (guard.id.empty()) return false;
    STATION_TRY(stored, reader_.Answer(guard.id, method));
    if (!stored) return false;
    if (!response.ParseFromString(*stored))
      return Fail(ErrorCode::kLedger, "the stored answer is torn");
    return true;
  }

  struct InFlight {
    InFlight(Acts& owner, std::string request) : acts(owner), id(std::move(request)) {
      const std::lock_guard lock(acts.mutex_);
      entered = id.empty() || acts.in_flight_.insert(id).second;
    }
    ~InFlight() {
      const std::lock_guard lock(acts.mutex_);
      if (entered) acts.in_flight_.erase(id);
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    Acts& acts;
    std::string id;
    bool entered = false;
  };

  StateThread& state_;
  ledger::Recorder& ledger_;
  ledger::Reader& reader_;
  Clock& clock_;
  std::mutex mutex_;
  std::set<std::string> in_flight_;
};

}  // namespace station::daemon
