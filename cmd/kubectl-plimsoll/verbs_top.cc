// top: what the kernel counts of containers with settings, once or again and again.
#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>

#include "cmd/kubectl-plimsoll/client.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/view_top.h"
#include "cmd/kubectl-plimsoll/view_traffic.h"

namespace plimsoll::cli {
namespace {

using base::Result;
using Stats = std::vector<pb::ContainerStats>;

constexpr const char* kClearScreen = "\033[H\033[2J";

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

Result<Stats> ask(Client& client, const Options& options) {
  pb::GetStatsRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  request.set_label_selector(options.selector);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  ASSIGN_OR_RETURN(Stats stats, client.stats(std::move(request)));
  std::erase_if(stats, [&](const pb::ContainerStats& each) {
    return !options.names.empty() &&
           std::find(options.names.begin(), options.names.end(), each.pod()) == options.names.end();
  });
  sortStats(stats, orderOf(options.sort_by));
  return stats;
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

void show(const Options& options, const Streams& streams, const Stats& stats) {
  if (isDocument(options.output)) {
    const JsonValue json = document(std::span<const pb::ContainerStats>(stats));
    streams.out << (options.output == Output::Json ? toJson(json, options.watch) : toYaml(json));
    return;
  }
  if (stats.empty()) {
    if (options.names.empty()) streams.err << "No running containers with settings found.\n";
    return;
  }
  const View view = viewOf(options, streams);
  streams.out << (options.traffic ? trafficTable(stats, view) : topTable(stats, view));
}

}  // namespace

int runTop(const Options& options, Streams streams) {
  Client client = connect(options);
  for (;;) {
    const auto stats = ask(client, options);
    if (!stats) return fail(streams, stats.error().message);
    // On a terminal each look replaces the one before; elsewhere they follow each other.
    if (options.watch && streams.colours) streams.out << kClearScreen;
    show(options, streams, *stats);
    const int exit_code = missingPods(options, streams, *stats);
    streams.out << std::flush;
    if (!options.watch || !streams.out) return exit_code;
    std::this_thread::sleep_for(std::chrono::seconds(options.interval_seconds));
  }
}

}  // namespace plimsoll::cli
