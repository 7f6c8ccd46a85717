#include "scheduler/admission.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace station::scheduler {

Admission::Admission(const Budgets& budgets) : budgets_(budgets) {
  IndexOf({Budget::kJobs, "", 1});
}

void Admission::SetJobLimit(std::uint64_t limit) {
  resources_.front().limit = std::max<std::uint64_t>(limit, 1);
}

std::size_t Admission::IndexOf(const Claim& claim) {
  const auto [place, fresh] =
      index_.try_emplace(std::pair(claim.budget, claim.of), resources_.size());
  if (fresh) resources_.push_back({claim.budget, claim.of, LimitOf(claim.budget, budgets_)});
  return place->second;
}

std::vector<Admission::Need> Admission::NeedsOf(const PortKey& port) {
  std::vector<Need> needs;
  for (const Claim& claim : ClaimsOf(port, budgets_))
    needs.push_back({IndexOf(claim), claim.amount});
  return needs;
}

void Admission::Enqueue(const Applicant& applicant) {
  const auto same = [&](const Waiting& other) { return other.who.port == applicant.port; };
  if (working_.contains(applicant.port) || std::ranges::any_of(waiting_, same)) return;
  waiting_.push_back({applicant, NeedsOf(applicant.port), spread_.WayTo(applicant.port)});
  spread_.Add(waiting_.back().way);
}

void Admission::Remove(const PortKey& port) {
  std::erase_if(waiting_, [&](const Waiting& other) {
    if (other.who.port != port) return false;
    spread_.Remove(other.way, false);
    return true;
  });
  const auto found = working_.find(port);
  if (found == working_.end()) return;
  spread_.Remove(found->second.way, true);
  for (const Need& need : found->second.needs) resources_[need.resource].used -= need.amount;
  working_.erase(found);
}

void Admission::Adopt(const PortKey& port) {
  const auto [place, fresh] = working_.try_emplace(port, In{NeedsOf(port), spread_.WayTo(port)});
  if (!fresh) return;
  spread_.Add(place->second.way);
  spread_.Begin(place->second.way);
  for (const Need& need : place->second.needs) resources_[need.resource].used += need.amount;
}

void Admission::Release(const PortKey& port, Budget budget) {
  const auto found = working_.find(port);
  if (found == working_.end()) return;
  std::erase_if(found->second.needs, [&](const Need& need) {
    if (resources_[need.resource].budget != budget) return false;
    resources_[need.resource].used -= need.amount;
    return true;
  });
}

// Who needs more than there is of something may have all of it, alone.
const Admission::Need* Admission::Lacks(const std::vector<Need>& needs) const {
  for (const Need& need : needs) {
    const Resource& resource = resources_[need.resource];
    const std::uint64_t taken = resource.used + resource.kept;
    if (taken != 0 && taken + need.amount > resource.limit) return &need;
  }
  return nullptr;
}

// Those that lost their patience, as they came; then one of each batch after the other, beginning
// behind the batch that was served last.
std::vector<std::size_t> Admission::InTurn() const {
  std::vector<std::size_t> spread(waiting_.size());
  std::iota(spread.begin(), spread.end(), 0);
  std::ranges::stable_sort(spread, [&](std::size_t a, std::size_t b) {
    return spread_.Before(waiting_[a].way, waiting_[b].way);
  });
  std::vector<std::tuple<bool, int, bool, std::int64_t, std::size_t>> keys;
  std::map<std::int64_t, int> seen;
  for (const std::size_t i : spread) {
    const auto& [who, needs, way, overtaken] = waiting_[i];
    if (!MayGo(who)) continue;
    if (overtaken >= kPatience)
      keys.emplace_back(false, 0, false, 0, i);
    else
      keys.emplace_back(true, seen[who.batch]++, who.batch <= last_batch_, who.batch, i);
  }
  std::ranges::sort(keys);
  std::vector<std::size_t> order;
  for (const auto& key : keys) order.push_back(std::get<4>(key));
  return order;
}

std::optional<PortKey> Admission::Next() {
  if (gate_ == Gate::kClosed || waiting_.empty()) return std::nullopt;
  if (resources_.front().used >= resources_.front().limit) return std::nullopt;
  std::optional<std::size_t> chosen;
  for (const std::size_t i : InTurn()) {
    if (Lacks(waiting_[i].needs) == nullptr) {
      chosen = i;
      break;
    }
    if (waiting_[i].overtaken >= kPatience)
      for (const Need& need : waiting_[i].needs) resources_[need.resource].kept += need.amount;
  }
  for (Resource& resource : resources_) resource.kept = 0;
  if (!chosen) return std::nullopt;
  for (std::size_t i = 0; i < *chosen; ++i)
    if (MayGo(waiting_[i].who) && Lacks(waiting_[i].needs) != nullptr) ++waiting_[i].overtaken;
  const PortKey port = waiting_[*chosen].who.port;
  Take(*chosen);
  return port;
}

void Admission::Take(std::size_t waiting) {
  Waiting& in = waiting_[waiting];
  last_batch_ = in.who.batch;
  for (const Need& need : in.needs) resources_[need.resource].used += need.amount;
  spread_.Begin(in.way);
  working_.insert_or_assign(in.who.port, In{std::move(in.needs), std::move(in.way)});
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(waiting));
}

std::optional<Claim> Admission::WhatBinds(const PortKey& port) const {
  const auto found =
      std::ranges::find_if(waiting_, [&](const Waiting& other) { return other.who.port == port; });
  if (found == waiting_.end()) return std::nullopt;
  const Need* lacks = Lacks(found->needs);
  if (lacks == nullptr) return std::nullopt;
  const Resource& resource = resources_[lacks->resource];
  return Claim{resource.budget, resource.of, lacks->amount};
}

std::map<Budget, std::size_t> Admission::WaitingFor() const {
  std::map<Budget, std::size_t> count;
  for (const Waiting& waiting : waiting_)
    if (const Need* lacks = Lacks(waiting.needs)) ++count[resources_[lacks->resource].budget];
  return count;
}

}  // namespace station::scheduler
