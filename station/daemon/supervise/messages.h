#pragma once
// Between the plain structs of tasks.h and the messages of worker/v1.

#include <vector>

#include "station/daemon/supervise/tasks.h"
#include "worker/v1/worker.pb.h"

namespace station::daemon {

[[nodiscard]] worker::v1::Welcome WelcomeFor(const Task& task, bool emergency_stop);
// Those that go with the Welcome, borrowed from the task.
[[nodiscard]] std::vector<int> DescriptorsFor(const Task& task);

// Numbers a newer or hostile peer sends become kNone / kInternal.
[[nodiscard]] ledger::PhoneFacts FromMessage(const worker::v1::Identified& message);
[[nodiscard]] StepReport FromMessage(const worker::v1::StepStarted& message);
[[nodiscard]] ProgressReport FromMessage(const worker::v1::Progress& message);
[[nodiscard]] Ended FromMessage(const worker::v1::Finished& message);
[[nodiscard]] store::Entry FromMessage(const worker::v1::Imported& message);
[[nodiscard]] std::vector<Offer> FromMessage(const worker::v1::Found& message);

}  // namespace station::daemon
