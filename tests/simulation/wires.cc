#include "tests/simulation/wires.h"

#include <algorithm>
#include <cmath>

namespace station::simulation {
namespace {

constexpr double kNothing = 1.0;  // bytes: less than that is left only by rounding

}  // namespace

Wires::StreamId Wires::Start(std::vector<std::size_t> stretches, double most, double bytes,
                             std::function<void()> done) {
  Move();
  streams_.emplace(++last_, Stream{std::move(stretches), most, bytes, 0, std::move(done)});
  Share();
  return last_;
}

void Wires::Stop(StreamId id) {
  Move();
  if (streams_.erase(id) != 0) Share();
}

void Wires::Move() {
  const double seconds = static_cast<double>((clock_.Time() - moved_).count()) / 1000;
  moved_ = clock_.Time();
  for (auto& [id, stream] : streams_) stream.left -= stream.rate * seconds;
}

void Wires::Share() {
  std::vector<double> left = capacity_;
  std::vector<int> users(capacity_.size());
  std::vector<Stream*> open;
  for (auto& [id, stream] : streams_) {
    open.push_back(&stream);
    for (const std::size_t stretch : stream.stretches) ++users[stretch];
  }
  while (!open.empty()) {
    // The smallest share anybody left gets is what its owners have for good.
    const auto share = [&](const Stream* stream) {
      double least = stream->most;
      for (const std::size_t stretch : stream->stretches)
        least = std::min(least, left[stretch] / users[stretch]);
      return least;
    };
    double smallest = share(open.front());
    for (const Stream* stream : open) smallest = std::min(smallest, share(stream));
    const auto settled = std::partition(open.begin(), open.end(), [&](const Stream* stream) {
      return share(stream) > smallest * (1 + 1e-9);
    });
    for (auto it = settled; it != open.end(); ++it) {
      (*it)->rate = smallest;
      for (const std::size_t stretch : (*it)->stretches) {
        left[stretch] -= smallest;
        --users[stretch];
      }
    }
    open.erase(settled, open.end());
  }
  if (streams_.empty()) return next_.Stop();
  double soonest = 1e9;
  for (const auto& [id, stream] : streams_)
    soonest = std::min(soonest, std::max(stream.left, 0.0) / std::max(stream.rate, 1.0));
  next_.Set(Millis(static_cast<std::int64_t>(std::ceil(soonest * 1000))), [this] { Finish(); });
}

void Wires::Finish() {
  Move();
  std::vector<std::function<void()>> done;
  std::erase_if(streams_, [&](auto& entry) {
    if (entry.second.left > kNothing) return false;
    done.push_back(std::move(entry.second.done));
    return true;
  });
  Share();
  for (const auto& call : done) call();
}

}  // namespace station::simulation
