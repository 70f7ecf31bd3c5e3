#include "pkg/cri/auditor.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "pkg/base/log.h"

namespace plimsoll::cri {
namespace {

namespace log = base::log;

bool runs(const ListedContainer& container) {
  return container.facts.state == model::ContainerState::Running ||
         container.facts.state == model::ContainerState::Paused;
}

}  // namespace

Auditor::Auditor(sys::EventLoop& loop, Client& client, Audited& audited, Options options)
    : loop_(loop), client_(client), audited_(audited), options_(options) {}

void Auditor::synchronized() {
  active_ = true;
  // A new list starts the count anew: absent means absent from two lists of one connection.
  absent_.clear();
  arm(options_.after_synchronize);
}

void Auditor::disconnected() {
  active_ = false;
  timer_.cancel();
}

void Auditor::arm(std::chrono::milliseconds delay) {
  timer_ = loop_.after(delay, [this] { audit(); });
}

void Auditor::audit() {
  arm(options_.interval);
  if (client_.busy()) return;
  ++stats_.audits;
  if (base::Status asked = client_.list([this](Result<Listing> listing) { compare(std::move(listing)); });
      !asked)
    failed(asked.error());
}

void Auditor::compare(Result<Listing> listing) {
  if (!active_) return;
  if (!listing) return failed(listing.error());
  stats_.last_success = sys::EventLoop::Clock::now();
  stats_.last_error.clear();
  findVanished(*listing);

  auto settled = std::chrono::system_clock::now() - options_.settle;
  std::vector<ListedContainer> missed;
  std::unordered_set<std::string> sandboxes;
  bool more = false;
  for (ListedContainer& container : listing->containers) {
    if (!runs(container) || audited_.knowsContainer(container.facts.id)) continue;
    // Too young to judge: looked at again soon.
    more = more || container.created > settled || missed.size() >= options_.max_details;
    if (container.created > settled || missed.size() >= options_.max_details) continue;
    sandboxes.insert(container.facts.sandbox_id);
    missed.push_back(std::move(container));
  }
  if (more) arm(options_.after_synchronize);
  if (missed.empty()) return;
  std::vector<model::PodFacts> pods;
  for (model::PodFacts& pod : listing->pods) {
    if (sandboxes.contains(pod.sandbox_id)) pods.push_back(std::move(pod));
  }
  askFor(std::move(missed), std::move(pods));
}

void Auditor::findVanished(const Listing& listing) {
  std::unordered_set<std::string> listed;
  for (const ListedContainer& container : listing.containers) listed.insert(container.facts.id);
  std::vector<std::string> vanished;
  std::set<std::string> absent;
  for (const std::string& id : audited_.knownContainers()) {
    if (listed.contains(id)) continue;
    if (absent_.contains(id) && !audited_.hasCgroup(id)) {
      vanished.push_back(id);
    } else {
      absent.insert(id);
    }
  }
  bool first_time =
      std::any_of(absent.begin(), absent.end(), [&](const std::string& id) { return !absent_.contains(id); });
  absent_ = std::move(absent);
  if (first_time) arm(options_.after_synchronize);
  if (vanished.empty()) return;
  stats_.vanished += vanished.size();
  audited_.vanished(vanished);
}

void Auditor::askFor(std::vector<ListedContainer> missed, std::vector<model::PodFacts> pods) {
  CreatedAt created;
  for (const ListedContainer& container : missed) created[container.facts.id] = container.created;
  auto take = [this, created = std::move(created)](Result<Details> details) {
    if (!active_) return;
    if (!details) return failed(details.error());
    // It was in flight while we asked, and has been told, or has ended.
    std::erase_if(details->containers, [&](const model::ContainerFacts& facts) {
      return facts.state == model::ContainerState::Stopped || audited_.knowsContainer(facts.id);
    });
    if (details->containers.empty()) return;
    stats_.missed += details->containers.size();
    std::vector<model::ContainerFacts> found = details->containers;
    audited_.missedByRuntime(details->pods, details->containers);
    suspect(found, created);
  };
  if (base::Status asked = client_.detail(std::move(missed), std::move(pods), std::move(take)); !asked)
    failed(asked.error());
}

// The newest one is the best evidence: older ones may have been lost while we were away.
void Auditor::suspect(const std::vector<model::ContainerFacts>& found, const CreatedAt& created) {
  auto newest = std::max_element(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    return created.at(a.id) < created.at(b.id);
  });
  auto age = std::chrono::system_clock::now() - created.at(newest->id);
  audited_.suspectZombie("container " + newest->id + " runs and was not told",
                         sys::EventLoop::Clock::now() - std::max(age, decltype(age)::zero()));
}

void Auditor::failed(const base::Error& error) {
  ++stats_.failures;
  // The same answer every few minutes is no news.
  if (stats_.last_error != error.message)
    log::warn("Cannot ask the runtime what runs", {{"error", error.message}});
  stats_.last_error = error.message;
}

}  // namespace plimsoll::cri
