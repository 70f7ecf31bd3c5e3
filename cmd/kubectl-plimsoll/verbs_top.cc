// top: what the kernel counts of containers with settings, once or again and again.
#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>
#include <tuple>

#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/view_top.h"
#include "cmd/kubectl-plimsoll/view_traffic.h"

namespace plimsoll::cli {
namespace {

using Stats = std::vector<pb::ContainerStats>;

constexpr const char* kClearScreen = "\033[H\033[2J";
constexpr int kLooksUntilSearch = 12;
// An agent closes a connection that was not used for five minutes.
constexpr int kLongestIdleSeconds = 240;

TopOrder orderOf(const std::string& name) {
  constexpr std::pair<std::string_view, TopOrder> kOrders[] = {
      {"throttled", TopOrder::Throttled},    {"cpu-psi", TopOrder::CpuPressure},
      {"mem-psi", TopOrder::MemoryPressure}, {"io-psi", TopOrder::IoPressure},
      {"memory", TopOrder::Memory},          {"pids", TopOrder::Pids},
      {"kills", TopOrder::OomKills}};
  for (const auto& [word, order] : kOrders) {
    if (name == word) return order;
  }
  return TopOrder::Name;
}

// An agent's own order, for several of them.
void sortByName(Stats& stats) {
  std::stable_sort(stats.begin(), stats.end(), [](const pb::ContainerStats& a, const pb::ContainerStats& b) {
    return std::forward_as_tuple(a.namespace_(), a.pod(), a.name(), a.id()) <
           std::forward_as_tuple(b.namespace_(), b.pod(), b.name(), b.id());
  });
}

struct Look {
  Stats stats;
  std::vector<Silence> silent;
  bool any_answer = false;
};

Look look(Agents& agents, const Options& options) {
  pb::GetStatsRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  request.set_label_selector(options.selector);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  auto answers = agents.ask<Stats>([&](Client& client) { return client.stats(request); });
  Look found{{}, std::move(answers.silent), !answers.got.empty()};
  for (auto& [node, stats] : answers.got) {
    for (pb::ContainerStats& each : stats) {
      each.set_node(node);
      found.stats.push_back(std::move(each));
    }
  }
  std::erase_if(found.stats, [&](const pb::ContainerStats& each) {
    return !options.names.empty() &&
           std::find(options.names.begin(), options.names.end(), each.pod()) == options.names.end();
  });
  sortByName(found.stats);
  sortStats(found.stats, orderOf(options.sort_by));
  return found;
}

int missingPods(const Options& options, const Streams& streams, const Stats& stats) {
  int exit_code = kExitOk;
  for (const std::string& name : options.names) {
    const auto named = [&](const pb::ContainerStats& each) { return each.pod() == name; };
    if (std::any_of(stats.begin(), stats.end(), named)) continue;
    streams.err << "error: no running container with settings in pod \"" << printable(name) << "\"\n";
    exit_code = kExitError;
  }
  return exit_code;
}

void show(const Options& options, const Streams& streams, const Stats& stats, bool nodes) {
  if (isDocument(options.output)) {
    const JsonValue json = document(std::span<const pb::ContainerStats>(stats));
    streams.out << (options.output == Output::Json ? toJson(json, options.watch) : toYaml(json));
    return;
  }
  if (stats.empty()) {
    if (options.names.empty()) streams.err << "No running containers with settings found.\n";
    return;
  }
  const View view = viewOf(options, streams, nodes);
  streams.out << (options.traffic ? trafficTable(stats, view) : topTable(stats, view));
}

}  // namespace

int runTop(const Options& options, Streams streams) {
  auto agents = Agents::find(options, Scope::Pods);
  for (int looks = 0;;) {
    if (!agents) return fail(streams, agents.error().message);
    const Options meant = withNamespace(options, *agents);
    const Look found = look(*agents, meant);
    // On a terminal each look replaces the one before; elsewhere they follow each other.
    if (options.watch && streams.colours) streams.out << kClearScreen;
    const int silence = reportSilence(streams, found.silent, found.any_answer);
    if (silence == kExitError && !options.watch) return silence;
    if (silence != kExitError) show(meant, streams, found.stats, agents->byKubectl());
    const int exit_code =
        silence == kExitError ? silence : worse(silence, missingPods(meant, streams, found.stats));
    streams.out << std::flush;
    if (!options.watch || !streams.out) return exit_code;
    // By its socket an agent that went away is gone; in a cluster another pod takes its place.
    if (silence == kExitError && !agents->byKubectl()) return silence;
    std::this_thread::sleep_for(std::chrono::seconds(options.interval_seconds));
    // Pods come and go, and agents are replaced by newer ones.
    const bool again = !found.silent.empty() || ++looks % kLooksUntilSearch == 0 ||
                       options.interval_seconds > kLongestIdleSeconds;
    if (!agents->byKubectl() || !again) continue;
    auto newer = Agents::find(options, Scope::Pods);
    if (newer) agents = std::move(newer);
    if (!newer) fail(streams, newer.error().message);  // those before are asked again
  }
}

}  // namespace plimsoll::cli
