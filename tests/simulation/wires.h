#pragma once
// How many bytes reach whom in which time: streams share hubs, controllers and the host fairly
// (each gets as much as anybody who shares its narrowest stretch, and no more than it can take).

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "tests/simulation/clock.h"

namespace station::simulation {

class Wires {
 public:
  using StreamId = std::uint64_t;
  // `capacity`: bytes per second of each stretch.
  Wires(Clock& clock, std::vector<double> capacity)
      : capacity_(std::move(capacity)), next_(clock), clock_(clock) {}

  // Over those stretches, at most that fast; `done` once all of it is there.
  StreamId Start(std::vector<std::size_t> stretches, double most, double bytes,
                 std::function<void()> done);
  void Stop(StreamId id);
  [[nodiscard]] std::size_t Running() const { return streams_.size(); }

 private:
  struct Stream {
    std::vector<std::size_t> stretches;
    double most = 0;
    double left = 0;
    double rate = 0;
    std::function<void()> done;
  };
  void Move();   // what went over since the last change
  void Share();  // the rates from now on, and when the next one is done
  void Finish();

  std::vector<double> capacity_;
  std::map<StreamId, Stream> streams_;
  StreamId last_ = 0;
  Millis moved_{0};
  daemon::Timer next_;
  Clock& clock_;
};

}  // namespace station::simulation
