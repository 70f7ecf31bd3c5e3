// What the journal costs a container's creation (five changes, recorded and settled), a start with thousands
// of open changes, a compaction, and the way to the disk. Works in /var/tmp, which is on a disk.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pkg/journal/journal.h"

namespace plimsoll::journal {
namespace {

class Directory {
 public:
  Directory() : path_(mkdtemp(name_)) {}
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  char name_[40] = "/var/tmp/plimsoll-journal-bench-XXXXXX";
  std::string path_;
};

std::vector<Change> changesOf(int container) {
  static const char* kObjects[] = {"cpu.weight", "cpu.max", "memory.high", "memory.low", "pids.max"};
  const std::string id = std::string(56, 'a') + std::to_string(10'000'000 + container);
  std::vector<Change> changes;
  for (const char* object : kObjects) {
    Change change;
    change.owner = {"default", "web-7d4b9c6f5-x2x9z", "0b0d4b8e-6c3e-4b7e-9c1e-2f6a1d9b5a11", "app", id};
    change.place =
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b0d4b8e_6c3e_4b7e.slice/"
        "cri-containerd-" +
        id + ".scope";
    change.place_id = static_cast<uint64_t>(container) + 1000;
    change.object = change.key = object;
    change.found = "max 100000";
    change.ours = "50000 100000";
    change.asked_by = "plimsoll.dev/" + change.key;
    changes.push_back(std::move(change));
  }
  return changes;
}

std::unique_ptr<Journal> open(const Directory& directory) {
  return *Journal::open({.dir = directory.path(), .boot_id = "bench"});
}

double percentile(std::vector<double>& micros, double part) {
  std::sort(micros.begin(), micros.end());
  return micros[static_cast<size_t>(static_cast<double>(micros.size() - 1) * part)];
}

// As a container comes and goes. With `flushing`, another thread forces the file to the disk all the time.
void createAndRemove(benchmark::State& state) {
  Directory directory;
  auto journal = open(directory);
  std::atomic<bool> done = false;
  std::thread flusher;
  if (state.range(0) != 0)
    flusher = std::thread([&] {
      while (!done) journal->flush();
    });
  std::vector<double> micros;
  int container = 0;
  for (auto _ : state) {
    const std::vector<Change> changes = changesOf(++container);
    const auto start = std::chrono::steady_clock::now();
    journal->set(changes);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(took.count() / 1e6);
    micros.push_back(took.count());
    journal->settled(changes);
    if (container > 100) journal->forgetContainer(changesOf(container - 100).front().owner.container_id);
    if (journal->wantsCompaction()) journal->compact();
  }
  done = true;
  if (flusher.joinable()) flusher.join();
  state.counters["p50_us"] = percentile(micros, 0.5);
  state.counters["p99_us"] = percentile(micros, 0.99);
  state.counters["max_us"] = percentile(micros, 1);
  state.counters["compactions"] = static_cast<double>(journal->stats().compactions);
}
BENCHMARK(createAndRemove)
    ->ArgName("flushing")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

void openWith(benchmark::State& state) {
  Directory directory;
  const int containers = static_cast<int>(state.range(0)) / 5;
  {
    auto journal = open(directory);
    for (int i = 0; i < containers; ++i) {
      journal->set(changesOf(i));
      journal->settled(changesOf(i));
    }
  }
  size_t changes = 0;
  for (auto _ : state) changes = open(directory)->openChanges().size();
  state.counters["open"] = static_cast<double>(changes);
}
BENCHMARK(openWith)->ArgName("changes")->Arg(0)->Arg(5000)->Unit(benchmark::kMillisecond);

void compactWith(benchmark::State& state) {
  Directory directory;
  auto journal = open(directory);
  for (int i = 0; i < 1000; ++i) journal->set(changesOf(i));
  for (auto _ : state) journal->compact();
  state.counters["bytes"] = static_cast<double>(journal->stats().bytes);
}
BENCHMARK(compactWith)->Unit(benchmark::kMillisecond);

void flushAfterOne(benchmark::State& state) {
  Directory directory;
  auto journal = open(directory);
  const std::vector<Change> changes = changesOf(1);
  for (auto _ : state) {
    journal->set(changes);
    journal->flush();
  }
}
BENCHMARK(flushAfterOne)->Unit(benchmark::kMillisecond);

void historyOfOnePod(benchmark::State& state) {
  Directory directory;
  auto journal = open(directory);
  for (int i = 0; i < 1000; ++i) journal->set(changesOf(i));
  for (auto _ : state) {
    auto records = history(directory.path(), {.ns = "default", .pod = "web-7d4b9c6f5-x2x9z", .limit = 100});
    benchmark::DoNotOptimize(records);
  }
}
BENCHMARK(historyOfOnePod)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plimsoll::journal

BENCHMARK_MAIN();
