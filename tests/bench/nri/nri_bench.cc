// Measures NRI plugins as a runtime sees them: how long the node waits for an answer to CreateContainer, how
// long a Synchronize takes, and what the plugin costs afterwards.
//
//   nri_bench [--calls N] [--idle SECONDS] LABEL=COMMAND...
//
// Each COMMAND is a plugin that connects to "{socket}". All are measured in one run and printed as one table.
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "pkg/base/parse.h"
#include "pkg/sys/unix_socket.h"
#include "tests/bench/nri/bench_link.h"
#include "tests/bench/nri/process.h"
#include "tests/support/fake_runtime/samples.h"

namespace plimsoll::bench {
namespace {

using namespace std::chrono_literals;
using Millis = std::chrono::duration<double, std::milli>;
using Micros = std::chrono::duration<double, std::micro>;
namespace api = nri::api;

constexpr size_t kMaxMessage = (4U << 20) - 256;
constexpr int kWarmUp = 2200;
constexpr int kTurn = 110;  // what the kubelet lets on a node

struct Settings {
  int calls = 20'000;
  int idle_seconds = 60;
};

struct Row {
  std::string label;
  std::string command;
  Micros p50{}, p99{}, p999{};
  Micros first{};   // median of the first call after a pause
  Micros others{};  // median per pod, of all events but CreateContainer that the plugin subscribed to
  Millis sync1000{}, sync5000{};
  uint64_t rss_kib = 0;
  double idle_cpu_percent = 0;
  double idle_wakeups = 0;  // per second
};

// One plugin process with its connection, set up to Configured.
struct Plugin {
  Process process;
  BenchLink link;
};

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/nri_bench.XXXXXX";
    if (mkdtemp(name)) path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string socket() const { return path_ + "/nri.sock"; }

 private:
  std::string path_;
};

Result<Plugin> startPlugin(const std::string& command) {
  Directory directory;
  ASSIGN_OR_RETURN(base::UniqueFd listener, sys::listenUnix(directory.socket()));
  timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ASSIGN_OR_RETURN(Process process, Process::start(command, directory.socket()));
  base::UniqueFd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "wait for the plugin to connect");
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  Plugin plugin{std::move(process), BenchLink(std::move(fd))};
  RETURN_IF_ERROR(plugin.link.setUp());
  return plugin;
}

// Twenty annotations, of which half ask for something, besides those the kubelet and the runtime set.
api::PodSandbox annotatedPod(int n) {
  api::PodSandbox pod = fake::samplePod(n);
  auto& annotations = *pod.mutable_annotations();
  annotations["plimsoll.dev/class"] = "standard";
  annotations["plimsoll.dev/cpu.weight"] = "80";
  annotations["plimsoll.dev/cpu.max.burst"] = "10ms";
  annotations["plimsoll.dev/memory.high"] = "200Mi";
  annotations["plimsoll.dev/memory.swap.max"] = "0";
  annotations["plimsoll.dev/memory.oom.group"] = "true";
  annotations["plimsoll.dev/pids.max"] = "512";
  annotations["plimsoll.dev/io.weight"] = "50";
  annotations["app.plimsoll.dev/cpu.weight"] = "70";
  annotations["app.plimsoll.dev/memory.high"] = "100Mi";
  for (int i = 0; i < 10; ++i) {
    annotations["example.com/annotation-" + std::to_string(i)] = "value of some length, as people write them";
  }
  return pod;
}

struct Samples {
  std::vector<std::chrono::nanoseconds> create, first, others;
};

Micros at(std::vector<std::chrono::nanoseconds>& samples, double share) {
  if (samples.empty()) return {};
  auto nth = samples.begin() + static_cast<long>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), nth, samples.end());
  return Micros(*nth);
}

// One pod with one container, from its sandbox to its end, as containerd goes about it.
class Life {
 public:
  explicit Life(int n) {
    request_.mutable_pod()->CopyFrom(annotatedPod(n));
    request_.mutable_container()->CopyFrom(fake::sampleContainer(request_.pod()));
  }

  Status begin(BenchLink& link) { return notify(link, nri::Event::RunPodSandbox); }
  Result<std::chrono::nanoseconds> create(BenchLink& link) {
    ASSIGN_OR_RETURN(auto answer, link.call("CreateContainer", request_.SerializeAsString()));
    return answer.took;
  }
  Status end(BenchLink& link) {
    for (nri::Event event :
         {nri::Event::RemoveContainer, nri::Event::StopPodSandbox, nri::Event::RemovePodSandbox})
      RETURN_IF_ERROR(notify(link, event));
    return base::ok();
  }
  std::chrono::nanoseconds others() const { return others_; }

 private:
  Status notify(BenchLink& link, nri::Event event) {
    if (!link.events().contains(event)) return base::ok();
    api::StateChangeEvent change;
    change.set_event(static_cast<api::Event>(event));
    *change.mutable_pod() = request_.pod();
    if (event == nri::Event::RemoveContainer) *change.mutable_container() = request_.container();
    ASSIGN_OR_RETURN(auto answer, link.call("StateChange", change.SerializeAsString()));
    others_ += answer.took;
    return base::ok();
  }

  api::CreateContainerRequest request_;
  std::chrono::nanoseconds others_{0};
};

// A node full of pods comes up, one after the other, and goes again.
Status nodeful(BenchLink& link, int first, Samples& samples) {
  std::vector<Life> lives;
  lives.reserve(kTurn);
  for (int i = 0; i < kTurn; ++i) lives.emplace_back(first + i);
  for (size_t i = 0; i < lives.size(); ++i) {
    RETURN_IF_ERROR(lives[i].begin(link));
    ASSIGN_OR_RETURN(auto took, lives[i].create(link));
    (i == 0 ? samples.first : samples.create).push_back(took);
  }
  for (Life& life : lives) {
    RETURN_IF_ERROR(life.end(link));
    samples.others.push_back(life.others());
  }
  return base::ok();
}

// Asks all plugins in turn, so that whatever else the machine does meets them alike. The first call of a turn
// meets cold caches, and has a column of its own.
Status measureCreate(const Settings& settings, std::vector<Row>& rows) {
  std::vector<Plugin> plugins;
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(Plugin plugin, startPlugin(row.command));
    RETURN_IF_ERROR(plugin.link.call("Synchronize", ""));
    plugins.push_back(std::move(plugin));
  }
  std::vector<Samples> samples(rows.size());
  for (int done = 0; done < kWarmUp + settings.calls; done += kTurn) {
    if (done >= kWarmUp && done < kWarmUp + kTurn) std::fill(samples.begin(), samples.end(), Samples{});
    for (size_t p = 0; p < plugins.size(); ++p) RETURN_IF_ERROR(nodeful(plugins[p].link, done, samples[p]));
  }
  for (size_t p = 0; p < rows.size(); ++p) {
    rows[p].p50 = at(samples[p].create, 0.5);
    rows[p].p99 = at(samples[p].create, 0.99);
    rows[p].p999 = at(samples[p].create, 0.999);
    rows[p].first = at(samples[p].first, 0.5);
    rows[p].others = at(samples[p].others, 0.5);
  }
  return base::ok();
}

// Cut as NRI's Go runtime cuts it: the number of items shrinks by a tenth until a message fits.
std::vector<std::string> synchronizeMessages(int count) {
  std::vector<api::PodSandbox> pods;
  std::vector<api::Container> containers;
  for (int i = 0; i < count; ++i) {
    pods.push_back(fake::samplePod(i));
    containers.push_back(fake::sampleContainer(pods.back()));
    (*containers.back().mutable_annotations())["example.com/kibibyte"] = std::string(1024, 'a');
  }
  std::vector<std::string> messages;
  int step = count;
  for (int at = 0; at < count;) {
    api::SynchronizeRequest request;
    for (int i = at; i < std::min(count, at + step); ++i) {
      *request.add_pods() = pods[static_cast<size_t>(i)];
      *request.add_containers() = containers[static_cast<size_t>(i)];
    }
    request.set_more(at + step < count);
    if (request.ByteSizeLong() > kMaxMessage && step > 4) {
      step = std::max(4, step * 9 / 10);
      continue;
    }
    messages.push_back(request.SerializeAsString());
    at += step;
  }
  return messages;
}

Result<Millis> synchronize(Plugin& plugin, int count) {
  Millis total{0};
  for (const std::string& message : synchronizeMessages(count)) {
    ASSIGN_OR_RETURN(auto answer, plugin.link.call("Synchronize", message));
    total += answer.took;
  }
  return total;
}

Status measureSynchronize(const Settings& settings, Row& row) {
  {
    ASSIGN_OR_RETURN(Plugin big, startPlugin(row.command));
    ASSIGN_OR_RETURN(row.sync5000, synchronize(big, 5000));
  }
  ASSIGN_OR_RETURN(Plugin plugin, startPlugin(row.command));
  ASSIGN_OR_RETURN(row.sync1000, synchronize(plugin, 1000));
  std::this_thread::sleep_for(3s);  // work put off until after the answer
  ASSIGN_OR_RETURN(Usage before, plugin.process.usage());
  std::this_thread::sleep_for(std::chrono::seconds(settings.idle_seconds));
  ASSIGN_OR_RETURN(Usage after, plugin.process.usage());
  double seconds = settings.idle_seconds;
  row.rss_kib = after.rss_kib;
  row.idle_cpu_percent = 100 * std::chrono::duration<double>(after.cpu - before.cpu).count() / seconds;
  row.idle_wakeups = static_cast<double>(after.wakeups - before.wakeups) / seconds;
  return base::ok();
}

void print(const std::vector<Row>& rows, const Settings& settings) {
  std::printf(
      "CreateContainer: %d calls, a pod with 20 annotations, up to %d pods at a time; first: after a pause;\n"
      "others: what the pod's other events take together. Synchronize: 1 KiB annotations, in parts.\n",
      settings.calls, kTurn);
  std::printf("RSS and idle: with 1000 containers known, over %d s.\n\n", settings.idle_seconds);
  std::printf("%-16s %9s %9s %9s %9s %9s %11s %11s %9s %9s %11s\n", "plugin", "p50 us", "p99 us", "p99.9 us",
              "first us", "others us", "sync 1k ms", "sync 5k ms", "RSS MiB", "idle %", "wake-ups/s");
  for (const Row& row : rows) {
    std::printf("%-16s %9.1f %9.1f %9.1f %9.1f %9.1f %11.1f %11.1f %9.1f %9.4f %11.2f\n", row.label.c_str(),
                row.p50.count(), row.p99.count(), row.p999.count(), row.first.count(), row.others.count(),
                row.sync1000.count(), row.sync5000.count(), static_cast<double>(row.rss_kib) / 1024,
                row.idle_cpu_percent, row.idle_wakeups);
  }
}

int run(int argc, char** argv) {
  Settings settings;
  std::vector<Row> rows;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    int* number = argument == "--calls"  ? &settings.calls
                  : argument == "--idle" ? &settings.idle_seconds
                                         : nullptr;
    if (number) {
      auto value = i + 1 < argc ? base::parseInt<int>(argv[++i]) : std::nullopt;
      if (!value || *value < 1)
        return std::fprintf(stderr, "%s needs a number above 0\n", argument.c_str()), 2;
      *number = *value;
      continue;
    }
    size_t equals = argument.find('=');
    if (equals == std::string::npos)
      return std::fprintf(stderr, "%s: want LABEL=COMMAND\n", argument.c_str()), 2;
    rows.push_back({.label = argument.substr(0, equals), .command = argument.substr(equals + 1)});
  }
  Status done = measureCreate(settings, rows);
  for (Row& row : rows) {
    if (done) done = measureSynchronize(settings, row);
    if (!done) return std::fprintf(stderr, "%s: %s\n", row.label.c_str(), done.error().message.c_str()), 1;
  }
  print(rows, settings);
  return 0;
}

}  // namespace
}  // namespace plimsoll::bench

int main(int argc, char** argv) { return plimsoll::bench::run(argc, argv); }
