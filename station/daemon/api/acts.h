#pragma once
// Acts are idempotent: a request id that was answered gets the same answer again, and nothing is
// done.

#include <mutex>
#include <set>
#include <string>
#include <type_traits>

#include "station/daemon/api/answers.h"
#include "station/daemon/api/ask.h"
#include "station/daemon/cart/act.h"
#include "station/ledger/reader.h"

namespace station::daemon {

class Acts {
 public:
  Acts(StateThread& state, ledger::Reader& reader) : state_(state), reader_(reader) {}

  // `convert` writes an Answer into a Response, `act` carries it out on the state thread.
  template <typename Answer, typename Request, typename Response>
  [[nodiscard]] grpc::Status Perform(
      const std::string& method, const std::string& actor, const Request& request,
      Response* response,
      std::function<void(const Answer&, std::type_identity_t<Response>&)> convert,
      std::function<void(Act<Answer>)> act) {
    const std::string id = request.request_id();
    if (id.size() > 128)
      return ToGrpc(Error{ErrorCode::kBadRequest, "a request id has up to 128 characters"});
    const InFlight guard(*this, id);
    if (!guard.entered)
      return ToGrpc(Error{ErrorCode::kUnavailable, "request " + id + " is being carried out"});
    if (!id.empty()) {
      const auto stored = reader_.Answer(id, method);
      if (!stored) return ToGrpc(stored.error());
      if (*stored) {
        if (!response->ParseFromString(**stored))
          return ToGrpc(Error{ErrorCode::kLedger, "the stored answer is torn"});
        return grpc::Status::OK;
      }
    }
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

  [[nodiscard]] StateThread& State() { return state_; }
  [[nodiscard]] ledger::Reader& Reader() { return reader_; }

 private:
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
  ledger::Reader& reader_;
  std::mutex mutex_;
  std::set<std::string> in_flight_;
};

}  // namespace station::daemon
