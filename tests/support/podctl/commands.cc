#include "tests/support/podctl/commands.h"

#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <sstream>

#include "tests/support/podctl/pods.h"

namespace plimsoll::podctl {
namespace {

struct Found {
  SandboxInfo pod;
  ContainerInfo container;
};

base::Result<Found> find(Pods& pods, const Target& target) {
  ASSIGN_OR_RETURN(SandboxInfo pod, pods.find(target.name_space, target.pod));
  ASSIGN_OR_RETURN(ContainerInfo container, pods.findContainer(pod, target.container));
  return Found{pod, container};
}

base::Result<std::string> readInput(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file);
  if (!in) return base::error(base::ErrorCode::NotFound, "cannot read " + file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

base::Result<bool> runFile(Pods& pods, const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, readInput(file));
  ASSIGN_OR_RETURN(const auto specs, parsePods(text));
  bool all = true;
  for (const PodSpec& spec : specs) {
    auto started = pods.run(spec, [](const std::string& line) { std::cout << line << std::endl; });
    if (!started) complain(started.error());
    all &= started && started->allStarted();
  }
  return all;
}

base::Status show(Pods& pods, Client& client, const SandboxInfo& pod) {
  ASSIGN_OR_RETURN(const auto containers, client.containers(pod.id));
  std::cout << std::left << std::setw(16) << pod.name_space << std::setw(24) << pod.name << std::setw(14)
            << pod.id.substr(0, 12) << (pod.ready ? "ready" : "not ready") << "  "
            << pods.cgroupDirectory(pod, "").value_or("no cgroup") << "\n";
  for (const auto& c : containers) {
    std::cout << std::setw(16) << "" << std::setw(24) << "- " + c.name << std::setw(14) << c.id.substr(0, 12)
              << stateName(c.state) << "\n";
  }
  return base::ok();
}

}  // namespace

int complain(const base::Error& error) {
  std::cerr << "podctl: " << errorCodeName(error.code) << ": " << error.message << std::endl;
  return 1;
}

int runFiles(Client& client, const std::vector<std::string>& files) {
  Pods pods(client);
  bool all = true;
  for (const auto& file : files) {
    auto done = runFile(pods, file);
    if (!done) {
      done.error().message = file + ": " + done.error().message;
      complain(done.error());
    }
    all &= done.value_or(false);
  }
  return all ? 0 : 1;
}

int listPods(Client& client) {
  Pods pods(client);
  auto all = client.sandboxes();
  if (!all) return complain(all.error());
  for (const auto& pod : *all) {
    // A pod that ends meanwhile is left out; the others are shown.
    if (auto shown = show(pods, client, pod); !shown && !shown.error().isGone())
      return complain(shown.error());
  }
  return 0;
}

int removePods(Client& client, const Target& target, bool all, int64_t grace_seconds) {
  Pods pods(client);
  std::vector<SandboxInfo> doomed;
  if (all) {
    auto every = client.sandboxes();
    if (!every) return complain(every.error());
    doomed = *every;
  } else {
    auto pod = pods.find(target.name_space, target.pod);
    if (!pod) return complain(pod.error());
    doomed.push_back(*pod);
  }
  int code = 0;
  for (const auto& pod : doomed) {
    if (auto removed = pods.remove(pod, grace_seconds); !removed) {
      code = complain(removed.error());
    } else {
      std::cout << "removed " << pod.name_space << "/" << pod.name << std::endl;
    }
  }
  return code;
}

int execIn(Client& client, const Target& target, const std::vector<std::string>& command,
           int64_t timeout_seconds) {
  Pods pods(client);
  auto found = find(pods, target);
  if (!found) return complain(found.error());
  auto outcome = client.exec(found->container.id, command, std::chrono::seconds(timeout_seconds));
  if (!outcome) return complain(outcome.error());
  std::cout << outcome->output << std::flush;
  std::cerr << outcome->errors << std::flush;
  return outcome->exit_code;
}

int showLog(Client& client, const Target& target) {
  Pods pods(client);
  auto found = find(pods, target);
  if (!found) return complain(found.error());
  auto text = pods.log(found->container.id);
  if (!text) return complain(text.error());
  std::cout << *text << std::flush;
  return 0;
}

int showCgroup(Client& client, const Target& target, bool whole_pod) {
  Pods pods(client);
  auto pod = pods.find(target.name_space, target.pod);
  if (!pod) return complain(pod.error());
  std::string id;
  if (!whole_pod) {
    auto container = pods.findContainer(*pod, target.container);
    if (!container) return complain(container.error());
    id = container->id;
  }
  auto directory = pods.cgroupDirectory(*pod, id);
  if (!directory) return complain(directory.error());
  std::cout << *directory << std::endl;
  return 0;
}

int inspect(Client& client, const Target& target) {
  Pods pods(client);
  auto found = find(pods, target);
  if (!found) return complain(found.error());
  auto detail = client.containerDetail(found->container.id);
  if (!detail) return complain(detail.error());
  std::cout << detail->json << std::endl;
  return 0;
}

int resize(Client& client, const Target& target, const ResizeWish& wish) {
  Pods pods(client);
  auto found = find(pods, target);
  if (!found) return complain(found.error());
  auto detail = client.containerDetail(found->container.id);
  if (!detail) return complain(detail.error());
  ContainerLimits limits = detail->limits;
  if (wish.request_milli_cpu) limits.cpu_shares = cpuShares(*wish.request_milli_cpu);
  if (wish.limit_milli_cpu) limits.cpu_quota_us = cpuQuota(*wish.limit_milli_cpu);
  if (wish.limit_memory) limits.memory_bytes = *wish.limit_memory;
  if (limits.cpu_period_us == 0) limits.cpu_period_us = 100000;
  auto done = pods.resize(found->pod, found->container, limits);
  return done ? 0 : complain(done.error());
}

int waitFor(Client& client, const Target& target, const std::string& state, int64_t timeout_seconds) {
  Pods pods(client);
  auto found = find(pods, target);
  if (!found) return complain(found.error());
  const ContainerState wanted = state == "exited" ? ContainerState::Exited : ContainerState::Running;
  auto detail = pods.waitFor(found->container.id, wanted, std::chrono::seconds(timeout_seconds));
  if (!detail) return complain(detail.error());
  if (wanted == ContainerState::Exited) std::cout << detail->exit_code << std::endl;
  return 0;
}

int showVersion(Client& client) {
  auto version = client.version();
  if (!version) return complain(version.error());
  auto complaints = client.complaints();
  if (!complaints) return complain(complaints.error());
  std::cout << version->name << " " << version->version << " (CRI " << version->api_version << ")";
  if (!complaints->empty()) std::cout << ", not ready: " << *complaints;
  std::cout << std::endl;
  return complaints->empty() ? 0 : 1;
}

}  // namespace plimsoll::podctl
