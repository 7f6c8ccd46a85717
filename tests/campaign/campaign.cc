#include "tests/campaign/campaign.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <thread>

#include "tests/rack/control/client.h"

namespace campaign {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using rack::Value;
using station::integration::BenchOptions;
using station::integration::Forged;

constexpr auto kLook = 500ms;
constexpr auto kRoundPatience = 300s;
constexpr auto kSlowPatience = 480s;
constexpr auto kPhonePatience = 60s;
constexpr auto kRebootPatience = 15s;
constexpr auto kDark = 3s;  // how long a hub has no power
constexpr std::uint64_t kFirstEcid = 0xca000;
const std::set<std::string> kAfterSigning = {"STEP_ENTER_RECOVERY", "STEP_BOOT_RESTORE_OS",
                                             "STEP_STREAM", "STEP_FLASH", "STEP_CONFIRM"};

struct Model {
  const char* product;
  const char* manifest;
};
constexpr auto kModels = std::to_array<Model>({{"iPhone10,1", "iphone8_ios15"},
                                               {"iPhone10,3", "iphonex_ios15"},
                                               {"iPhone8,1", "iphone6s_ios12"},
                                               {"iPhone10,4", "iphone8_ios15"}});

const Model& ModelOf(int phone) {
  return kModels[static_cast<std::size_t>(phone) % kModels.size()];
}
std::string NameOf(int phone) { return fmt::format("P{}", phone); }
std::string EcidOf(int phone) {
  return fmt::format("{:#018x}", kFirstEcid + static_cast<std::uint64_t>(phone));
}
std::string HubOf(int hub) { return fmt::format("1-{}", hub + 1); }
std::string PortOf(int phone) {
  return fmt::format("{}.{}", HubOf(phone / kHubPorts), phone % kHubPorts + 1);
}

BenchOptions OptionsFor(std::filesystem::path bin) {
  BenchOptions options;
  options.bin = std::move(bin);
  options.os_size = kOsSize;
  options.respawn = true;
  options.cart = "phones:\n";
  for (int i = 0; i < kPhones; ++i)
    options.cart += fmt::format(
        "  - {{name: {}, port: \"{}\", product: \"{}\", ecid: \"{}\", os_build: \"16A366\", "
        "recording: false, timing: {{leave: 0.3, gap: 1, restore_boot: 1, finish: 1}}}}\n",
        NameOf(i), PortOf(i), ModelOf(i).product, EcidOf(i));
  options.extra_config = fmt::format(
      "jobs:\n  concurrency: {}\n  restored_port_rest: 0s\n  button_tries: 1\n  button_wait: 3s\n",
      kPhones);
  return options;
}

std::string Without(const std::string& text, const std::string& prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::string OutcomeOf(const YAML::Node& job) {
  return Without(job["outcome"].as<std::string>("NONE"), "OUTCOME_");
}
std::int64_t IdOf(const YAML::Node& job) { return job["id"].as<std::int64_t>(0); }
bool IsOver(const YAML::Node& job) { return OutcomeOf(job) != "NONE" && job["ended_at"]; }

std::vector<std::string> Split(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

std::string TextOf(const Value& phone, const char* key) { return std::string(phone.Text(key)); }

}  // namespace

bool Verdict::Holds() const {
  return complaints.empty() && unexpected == 0 && wrong_phones == 0 && lost_rows == 0 &&
         restored == restores;
}

Campaign::Campaign(std::filesystem::path bin) : bench_(OptionsFor(std::move(bin))) {}

void Campaign::Complain(int& count, const std::string& what) {
  ++count;
  verdict_.complaints.push_back(what);
  ADD_FAILURE() << what;  // keeps the bench for a look
}

void Campaign::Tell(const std::string& command, const std::string& phone,
                    const std::string& words) {
  const std::vector<std::string> split = Split(words);
  const auto told = rack::AskRack(bench_.RackDir(),
                                  Value::Dict{{"Command", command},
                                              {"Phone", phone},
                                              {"Words", Value::Array(split.begin(), split.end())}});
  if (!told)
    verdict_.complaints.push_back(
        fmt::format("rack: {} {} {}: {}", command, phone, words, told.error().context));
}

std::map<std::string, Value> Campaign::Phones() const {
  std::map<std::string, Value> phones;
  const auto answer = rack::AskRack(bench_.RackDir(), Value::Dict{{"Command", "status"}});
  const Value* list = answer ? answer->Find("Phones") : nullptr;
  if (list != nullptr && list->AsArray() != nullptr)
    for (const Value& phone : *list->AsArray()) phones.emplace(TextOf(phone, "name"), phone);
  return phones;
}

// Newest job of each phone, by ECID. Nothing while the station is away.
std::map<std::string, YAML::Node> Campaign::NewestJobs() {
  std::map<std::string, YAML::Node> newest;
  const auto said = bench_.CtlRaw({"jobs", "--limit", std::to_string(3 * kPhones), "--json"}, 20);
  if (said.exit_code != 0) return newest;
  const YAML::Node jobs = YAML::Load(said.out)["jobs"];
  for (const YAML::Node& job : jobs) newest.emplace(job["phone"]["ecid"].as<std::string>(""), job);
  return newest;
}

void Campaign::Prepare() {
  bench_.Start();
  if (testing::Test::HasFailure())
    return verdict_.complaints.emplace_back("rack or station did not get ready"), void();
  for (const Model& model : kModels) {
    std::vector<Forged>& both = firmware_[model.manifest];
    for (const char* seed : {"1", "2"}) {
      if (both.size() == 2) break;
      both.push_back(bench_.Forge(model.manifest, seed));
      urls_[both.back().sha256] = bench_.Publish(both.back(), {model.product});
      const auto added =
          bench_.CtlRaw({"firmware", "add", both.back().file, "--sha256", both.back().sha256});
      if (added.exit_code != 0) verdict_.complaints.push_back(added.out + added.err);
    }
  }
  bench_.Await(
      "all phones known",
      [&] {
        const YAML::Node ports = bench_.Ctl({"ports"})["ports"];
        return std::ranges::count_if(ports, [](const auto& port) {
                 return port["state"].template as<std::string>() == "PORT_STATE_IDLE";
               }) == kPhones;
      },
      180);
  for (const auto& [name, phone] : Phones())
    on_phone_[name] = {TextOf(phone, "os_image_digest"),
                       phone.Number("restores_completed").value_or(0)};
}

bool Campaign::Busy(bool slow_too) const {
  return std::ranges::any_of(restores_, [&](const Restore& restore) {
    return restore.stage != Restore::Stage::kOver && (slow_too || !restore.expected->slow);
  });
}

// Phones whose slow fault sat out some rounds must be through by now.
void Campaign::AwaitFree(const Round& round) {
  const auto in_use = [&] {
    return std::ranges::any_of(restores_, [&](const Restore& restore) {
      return restore.stage != Restore::Stage::kOver &&
             std::ranges::any_of(round.draws, [&](const Draw& draw) {
               return draw.phone == restore.draw->phone || draw.phone == restore.draw->other;
             });
    });
  };
  while (in_use()) Turn();
}

void Campaign::SetUp(const Round& round) {
  Tell("fault", "signer", "none");
  for (const Draw& draw : round.draws)
    if (draw.recovery) Tell("press", NameOf(draw.phone), "recovery");
  const auto ready = [&] {
    const auto phones = Phones();
    return std::ranges::all_of(round.draws, [&](const Draw& draw) {
      const auto phone = phones.find(NameOf(draw.phone));
      const std::string mode = phone == phones.end() ? "" : TextOf(phone->second, "mode");
      return mode == "recovery" || (!draw.recovery && mode == "normal");
    });
  };
  for (const auto end = Clock::now() + kPhonePatience; !ready() && Clock::now() < end;)
    std::this_thread::sleep_for(kLook);
  for (const Draw& draw : round.draws)
    if (!draw.words.empty()) Tell("fault", NameOf(draw.phone), draw.words);
  if (round.common->row.by == By::kSignerBusy || round.common->row.by == By::kSignerRefuses)
    Tell("fault", "signer", std::string(round.common->row.words));
  if (round.common->row.by == By::kSignerBusy || round.common->row.by == By::kSignerRefuses)
    common_struck_ = true;
  if (round.common->row.by == By::kDownload) {
    FetchAnew(*round.common);
    common_struck_ = true;
  }
}

// What a firmware loses on the way is made up for, and what comes wrong is not taken in. One that a
// job still holds stays.
void Campaign::FetchAnew(const CommonRow& fault) {
  const auto fetch = [&](const std::string& sha256) {
    return bench_.CtlRaw({"firmware", "add", urls_[sha256], "--sha256", sha256}).exit_code == 0;
  };
  const bool harmless = !fault.row.words.starts_with("flip");
  for (const auto& [sha256, url] : urls_) {
    if (bench_.CtlRaw({"firmware", "remove", sha256}).exit_code != 0) continue;
    Tell("fault", "downloads", std::string(fault.row.words));
    if (fetch(sha256) != harmless)
      Complain(verdict_.unexpected, fmt::format("{}: {} was {}", fault.row.name, url,
                                                harmless ? "not fetched" : "taken in"));
    Tell("fault", "downloads", "none");
    if (!harmless && !fetch(sha256))
      Complain(verdict_.unexpected, fmt::format("{}: {} cannot be fetched", fault.row.name, url));
  }
}

void Campaign::Arm(int number, const Round& round) {
  for (const auto& [manifest, both] : firmware_)
    for (int which = 0; which < 2; ++which) {
      std::vector<std::string> words = {"arm",        "--countdown",
                                        "0s",         "--yes",
                                        "--firmware", both[static_cast<std::size_t>(which)].sha256};
      const std::size_t bare = words.size();
      for (const Draw& draw : round.draws)
        if (draw.firmware == which && ModelOf(draw.phone).manifest == manifest)
          words.insert(words.end(), {"--ecid", EcidOf(draw.phone)});
      if (words.size() == bare) continue;
      const auto armed = bench_.CtlRaw(words);
      if (armed.exit_code != 0) verdict_.complaints.push_back(armed.out + armed.err);
    }
  for (const Draw& draw : round.draws) {
    const FaultRow* expected = round.common->others && round.common->row.by != By::kSignerRefuses
                                   ? draw.fault
                                   : &round.common->row;
    restores_.push_back({.draw = &draw,
                         .expected = expected,
                         .round = number,
                         .after_job = last_job_[EcidOf(draw.phone)],
                         .since = Clock::now()});
    ++armed_;
  }
}

// Steps come and go between two looks; what is done to a worker is done while its phone holds.
void Campaign::StrikeOne(Restore& restore, const YAML::Node& job) {
  const By by = restore.draw->fault->by;
  if (restore.struck || (by != By::kWorkerKill && by != By::kSwap)) return;
  const auto phones = Phones();
  const auto phone = phones.find(NameOf(restore.draw->phone));
  if (phone == phones.end() ||
      !restore.draw->words.ends_with(" " + TextOf(phone->second, "held_at")))
    return;
  if (TextOf(phone->second, "held_at").empty()) return;
  restore.struck = true;
  const std::string name = NameOf(restore.draw->phone);
  if (by == By::kWorkerKill) {
    if (!bench_.KillWorker(std::to_string(IdOf(job))))
      verdict_.complaints.push_back("no worker to kill for " + name);
    Tell("fault", name, "none");
  } else {
    Tell("fault", name, "swap " + NameOf(restore.draw->other));
    Tell("fault", name, "none");
  }
}

void Campaign::Strike(const Round& round) {
  common_struck_ = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(round.more_millis));
  switch (round.common->row.by) {
    case By::kStationdKill:
      bench_.SignalStation("KILL");
      break;
    case By::kMuxCrash:
    case By::kMuxStall:
      Tell("fault", "mux", std::string(round.common->row.words));
      break;
    case By::kHubPower:
      Tell("fault", "hub", HubOf(round.hub) + " off");
      std::this_thread::sleep_for(kDark);
      Tell("fault", "hub", HubOf(round.hub) + " on");
      break;
    case By::kNobody:
    case By::kRack:
    case By::kWorkerKill:
    case By::kSwap:
    case By::kSignerBusy:
    case By::kSignerRefuses:
    case By::kDownload:
      break;
  }
}

void Campaign::Retry(Restore& restore, const YAML::Node& job) {
  const std::string name = NameOf(restore.draw->phone);
  switch (restore.expected->then) {
    case Then::kNothing:
    case Then::kRetry:
      break;
    case Then::kPlugAndRetry:
      Tell("plug", name, "");
      break;
    case Then::kSwapBackAndRetry:
      Tell("fault", name, "swap " + NameOf(restore.draw->other));
      break;
  }
  if (restore.expected->by == By::kSignerRefuses) Tell("fault", "signer", "none");
  // A port shows a phone a moment after the rack has it.
  const auto end = Clock::now() + kPhonePatience;
  station::integration::Finished done;
  do {
    done = bench_.CtlRaw({"retry", job["port_label"].as<std::string>()}, 30);
    if (done.exit_code == 0) break;
    std::this_thread::sleep_for(kLook);
  } while (Clock::now() < end);
  restore.stage = Restore::Stage::kRetried;
  restore.since = Clock::now();
  if (done.exit_code != 0)
    Complain(verdict_.unexpected, fmt::format("{}: cannot be retried: {}", name, done.err));
}

void Campaign::Ended(Restore& restore, const YAML::Node& job) {
  const FaultRow& expected = *restore.expected;
  const std::string name = NameOf(restore.draw->phone);
  const std::string outcome = OutcomeOf(job);
  restore.attempts = job["attempt"].as<int>(0);
  // A job may end while its phone still reboots.
  std::string mode = TextOf(Phones().at(name), "mode");
  for (const auto end = Clock::now() + kRebootPatience;
       !expected.left.empty() && mode != expected.left && Clock::now() < end;) {
    std::this_thread::sleep_for(kLook);
    mode = TextOf(Phones().at(name), "mode");
  }
  Tally& tally = verdict_.by_fault[std::string(expected.name)];
  ++tally.restores;
  ++tally.chains[fmt::format("{} after {}", outcome, restore.attempts)];
  if (outcome == expected.outcome && restore.attempts >= expected.least &&
      restore.attempts <= expected.most && (expected.left.empty() || mode == expected.left))
    ++tally.as_expected;
  else
    Complain(verdict_.unexpected,
             fmt::format("round {} {} {} ({}), job {}: {} after {} attempts, in {} mode: {} {}",
                         restore.round, name, expected.name, restore.draw->words, IdOf(job),
                         outcome, restore.attempts, mode, job["error_code"].as<std::string>(""),
                         job["context"].as<std::string>("")));
  if (outcome == "RESTORED") return Close(restore, job);
  Retry(restore, job);
}

// The image on the phone is the one that was ordered for it.
void Campaign::Close(Restore& restore, const YAML::Node& job) {
  restore.stage = Restore::Stage::kOver;
  const Draw& draw = *restore.draw;
  const std::string name = NameOf(draw.phone);
  last_job_[EcidOf(draw.phone)] = IdOf(job);
  const auto phones = Phones();
  const Value& phone = phones.at(name);
  const Forged& ordered =
      firmware_[ModelOf(draw.phone).manifest][static_cast<std::size_t>(draw.firmware)];
  const OnPhone now{TextOf(phone, "os_image_digest"),
                    phone.Number("restores_completed").value_or(0)};
  const OnPhone before = std::exchange(on_phone_[name], now);
  if (OutcomeOf(job) != "RESTORED")
    return Complain(
        verdict_.unexpected,
        fmt::format("round {} {} {}, job {}: {} after a retry: {} {}", restore.round, name,
                    restore.expected->name, IdOf(job), OutcomeOf(job),
                    job["error_code"].as<std::string>(""), job["context"].as<std::string>("")));
  ++verdict_.restored;
  ++verdict_.by_fault[std::string(restore.expected->name)].restored_in_the_end;
  const bool once = job["attempt"].as<int>(0) > 1 || now.restores == before.restores + 1;
  if (now.digest != ordered.os_digest || TextOf(phone, "os_build") != ordered.build ||
      phone.Flag("user_data_present") || !once)
    Complain(verdict_.wrong_phones,
             fmt::format("round {} {}, job {}: not what was ordered is on it", restore.round, name,
                         IdOf(job)));
}

void Campaign::Turn() {
  std::this_thread::sleep_for(kLook);
  const auto jobs = NewestJobs();
  if (jobs.empty()) return;
  int past_signing = 0;
  for (const auto& [ecid, job] : jobs)
    past_signing += !IsOver(job) && kAfterSigning.contains(job["step"].as<std::string>("")) ? 1 : 0;
  if (round_ != nullptr && !common_struck_ &&
      past_signing >= std::min<int>(round_->streaming_jobs, static_cast<int>(round_->draws.size())))
    Strike(*round_);
  for (Restore& restore : restores_) {
    if (restore.stage == Restore::Stage::kOver) continue;
    const auto job = jobs.find(EcidOf(restore.draw->phone));
    const bool is_its = job != jobs.end() && IdOf(job->second) > restore.after_job;
    const auto patience = restore.expected->slow ? kSlowPatience : kRoundPatience;
    if (Clock::now() - restore.since > patience) {
      Complain(verdict_.unexpected,
               fmt::format("round {} {} {}: no end; {}", restore.round, NameOf(restore.draw->phone),
                           restore.expected->name, is_its ? YAML::Dump(job->second) : "no job"));
      restore.stage = Restore::Stage::kOver;
    } else if (is_its && !IsOver(job->second)) {
      StrikeOne(restore, job->second);
    } else if (is_its && restore.stage == Restore::Stage::kRuns) {
      Ended(restore, job->second);
    } else if (is_its && job->second["attempt"].as<int>(0) > restore.attempts) {
      Close(restore, job->second);
    }
  }
}

// Nobody ordered anything for them.
void Campaign::CheckBystanders(int number, const Round& round) {
  for (const auto& [name, phone] : Phones()) {
    const bool ordered = std::ranges::any_of(restores_, [&](const Restore& restore) {
      return NameOf(restore.draw->phone) == name &&
             (restore.stage != Restore::Stage::kOver || restore.round == number);
    });
    (void)round;
    if (ordered) continue;
    const OnPhone& before = on_phone_[name];
    if (TextOf(phone, "os_image_digest") != before.digest ||
        phone.Number("restores_completed").value_or(0) != before.restores)
      Complain(verdict_.wrong_phones,
               fmt::format("round {} {}: written, though nobody ordered it", number, name));
  }
}

void Campaign::RunRound(int number, const Round& round) {
  AwaitFree(round);
  common_struck_ = round.common->row.by == By::kNobody;
  SetUp(round);
  Arm(number, round);
  round_ = &round;
  while (Busy(false)) Turn();
  round_ = nullptr;
  CheckBystanders(number, round);
  fmt::print(stderr, "round {} ({}): {} of {} restored so far, {} broken\n", number,
             round.common->row.name, verdict_.restored, armed_, verdict_.complaints.size());
}

// The ledger's own word, past the daemon: every armed phone has its job, each has an end, and each
// further attempt was written down before it began. Not every attempt comes to a step.
void Campaign::CheckLedger() {
  const auto ask = [&](const std::string& query) {
    const auto answer = station::integration::Run(
        {"sqlite3", "-readonly", bench_.StateDir() / "ledger.sqlite", query});
    return answer.exit_code == 0 ? std::atoi(answer.out.c_str()) : -1;
  };
  const int jobs = ask("select count(*) from jobs where action=1");
  const int ended = ask("select count(*) from jobs where action=1 and ended>0");
  const int further = ask("select sum(attempt-1) from jobs where action=1");
  const int told =
      ask("select count(*) from (select distinct e.job_id, e.text from events e join jobs j on "
          "j.id=e.job_id where e.kind='attempt' and e.text+0 between 2 and j.attempt)");
  const int beyond =
      ask("select count(*) from steps s join jobs j on j.id=s.job_id where s.attempt not between 1 "
          "and j.attempt");
  if (jobs != armed_ || ended != armed_)
    Complain(
        verdict_.lost_rows,
        fmt::format("{} restores, but {} jobs in the ledger, {} with an end", armed_, jobs, ended));
  if (told != further || beyond != 0)
    Complain(verdict_.lost_rows,
             fmt::format("{} further attempts, but {} in the ledger; {} steps of no attempt",
                         further, told, beyond));
}

Verdict Campaign::Run(const std::vector<Round>& plan) {
  const auto begin = Clock::now();
  Prepare();
  for (const Round& round : plan) verdict_.restores += static_cast<int>(round.draws.size());
  int number = 0;
  if (verdict_.complaints.empty())
    for (const Round& round : plan) RunRound(++number, round);
  while (Busy(true)) Turn();
  CheckBystanders(0, plan.back());
  CheckLedger();
  verdict_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return verdict_;
}

}  // namespace campaign
