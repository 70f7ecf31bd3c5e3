#include "cmd/plimsolld/agent.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

#include "cmd/plimsolld/agent_journal.h"
#include "cmd/plimsolld/api_source.h"
#include "cmd/plimsolld/network.h"
#include "cmd/plimsolld/node_audit.h"
#include "cmd/plimsolld/observability.h"
#include "cmd/plimsolld/observed_handler.h"
#include "cmd/plimsolld/standby.h"
#include "pkg/api/server.h"
#include "pkg/base/log.h"
#include "pkg/cgroup/discovery.h"
#include "pkg/cgroup/hierarchy.h"
#include "pkg/cgroup/node_probe.h"
#include "pkg/config/config_watcher.h"
#include "pkg/control/controller.h"
#include "pkg/netns/namespace.h"
#include "pkg/nri/plugin.h"
#include "pkg/policy/support.h"

namespace plimsoll::agent {
namespace {

namespace log = base::log;

std::string hostName() {
  // The pod specification gives the node's name; a host name is the next best.
  if (const char* name = getenv("NODE_NAME")) return name;
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// What libcgroup finds, where its mount is the one we work on.
std::vector<std::string> knownCgroups(const sys::HostRoots& roots) {
  auto found = cgroup::discover();
  if (found && found->mount_point == roots.cgroup) return std::move(found->cgroups);
  return {};
}

// Settings that no container of this node can have, with the reason.
std::vector<std::pair<std::string, std::string>> unsupportedSettings(const model::NodeFacts& node) {
  std::vector<std::pair<std::string, std::string>> unsupported;
  for (const model::SettingSpec& spec : model::settingsTable()) {
    // Which huge page sizes there are is the hardware's matter, and told when one is asked for.
    if (spec.target != model::Target::CgroupFile || !spec.instances.empty()) continue;
    auto setting = model::findSetting(spec.key);
    auto value = model::parseValue(spec, spec.example);
    // The example names CPUs that another node has.
    if (spec.type == model::ValueType::CpuList)
      value = spec.key == "cpuset.mems" ? node.online_mems : node.online_cpus;
    if (!setting || !value) continue;
    if (auto reason = policy::unsupportedReason(*setting, *value, node))
      unsupported.emplace_back(spec.key, *reason);
  }
  return unsupported;
}

base::Result<base::UniqueFd> watchSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0)
    return base::errnoError(errno, "block SIGTERM and SIGINT");
  base::UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return base::errnoError(errno, "create signalfd");
  return fd;
}

Started failed(int exit_code, const base::Error& error) { return {nullptr, exit_code, error.message}; }

void logEvent(const model::Event& event) {
  auto level = event.type == model::Event::Type::Warning ? log::Level::Warn : log::Level::Info;
  if (!log::enabled(level)) return;
  log::write(level, event.reason,
             {{"pod", event.ns + "/" + event.pod},
              {"container", event.container},
              {"key", event.key},
              {"message", event.message}});
}

}  // namespace

struct Agent::Parts {
  AgentOptions options;
  config::NodeConfig config;  // without a file; with one the watcher holds it
  std::unique_ptr<sys::EventLoop> loop;
  std::unique_ptr<Network> network;  // outlives whatever shows it on threads of its own
  std::unique_ptr<config::ConfigWatcher> watcher;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<JournalFlusher> flusher;
  control::ReportStore store;
  std::unique_ptr<ApiSource> source;
  std::unique_ptr<Observability> observability;
  std::unique_ptr<control::Applier> applier;
  std::unique_ptr<control::Controller> controller;
  std::unique_ptr<NriHandler> handler;
  std::unique_ptr<nri::Plugin> plugin;
  std::unique_ptr<NodeAudit> audit;
  std::unique_ptr<api::Server> server;
  base::UniqueFd signals;
  sys::EventLoop::Handle signal_watch;
  std::vector<model::Event> untold;
  sys::EventLoop::Handle tell_timer;

  void tellSoon(model::Event event);
  void prepareTraffic(const std::string& container_id, int64_t sandbox_pid);
  void tell();
  base::Status openConfig();
  base::Status openJournal();
  base::Status startApi();
  base::Status makeAudit();
  base::Status startPlugin();
  base::Status makeObservability();
  base::Status startObservability();
  base::Status watchForSignals();
  void configChanged(const base::Result<config::NodeConfig>& loaded);
  void makeNetwork(model::NodeFacts& node);
  void planAnew(const model::NodePolicy& policy);
  void makeSource(const model::NodeFacts& node);
  void makeController(model::NodeFacts node, cgroup::Hierarchy hierarchy);
};

base::Status Agent::Parts::openConfig() {
  if (options.config.empty()) {
    config = config::builtInConfig();
    return base::ok();
  }
  auto changed = [this](const base::Result<config::NodeConfig>& loaded) { configChanged(loaded); };
  ASSIGN_OR_RETURN(watcher, config::ConfigWatcher::start(*loop, options.config, changed, {}));
  config = watcher->current();
  return base::ok();
}

base::Status Agent::Parts::openJournal() {
  // Its probes are answered meanwhile, so that an update which starts the new agent first can end the old
  // one.
  std::unique_ptr<http::Server> standby;
  ASSIGN_OR_RETURN(journal,
                   openAgentJournal(options.state_dir, std::chrono::seconds(options.handover_seconds),
                                    [&] { standby = standBy(options.http_address); }));
  flusher = std::make_unique<JournalFlusher>(*loop, *journal);
  return base::ok();
}

void Agent::Parts::configChanged(const base::Result<config::NodeConfig>& loaded) {
  if (!controller) return;
  observability->configReloaded(loaded);
  model::Event event;
  if (loaded) {
    network->configure(loaded->network);
    planAnew(loaded->policy);
    source->setPolicy(loaded->policy);
    event.reason = "ConfigReloaded";
    event.message = options.config + " is in force";
  } else {
    source->setConfigProblem(loaded.error().message);
    event.type = model::Event::Type::Warning;
    event.reason = "ConfigRejected";
    event.message = "the configuration in force stays: " + loaded.error().message;
  }
  untold.push_back(std::move(event));
  tell();
}

// Together with what else happens now, and after it.
void Agent::Parts::tellSoon(model::Event event) {
  event.time = std::chrono::system_clock::now();
  untold.push_back(std::move(event));
  if (untold.size() == 1)
    tell_timer = loop->after(sys::EventLoop::Clock::duration::zero(), [this] { tell(); });
}

void Agent::Parts::tell() {
  std::vector<model::Event> events;
  events.swap(untold);
  for (model::Event& event : events) {
    logEvent(event);
    source->events().push(std::move(event));
  }
}

void Agent::Parts::makeSource(const model::NodeFacts& node) {
  api::NodeInfo info;
  info.name = hostName();
  info.agent_version = PLIMSOLL_VERSION;
  info.started_at = std::chrono::system_clock::now();
  info.facts = node;
  info.runtime_problem = "not connected yet";
  info.config_file = options.config;
  info.unsupported = unsupportedSettings(node);
  source = std::make_unique<ApiSource>(store, std::move(info));
  source->setPolicy(config.policy);
  source->setStateDir(options.state_dir);
  source->setRoots(options.roots);
}

void Agent::Parts::makeNetwork(model::NodeFacts& node) {
  Network::Options network_options{.roots = options.roots, .bpffs = options.bpffs, .changed = {}};
  network_options.changed = [this] {
    if (controller) planAnew(watcher ? watcher->current().policy : config.policy);
  };
  network_options.tell = [this](model::Event event) { tellSoon(std::move(event)); };
  network = std::make_unique<Network>(*loop, std::move(network_options));
  network->configure(config.network);
  node.traffic = network->wanted();
  node.traffic_problem = network->problem();
  source->setNetworkReader([this] { return network->status(); });
}

// What takes the kernel long is begun while the runtime makes the container.
void Agent::Parts::prepareTraffic(const std::string& container_id, int64_t sandbox_pid) {
  const control::ReportPtr report = store.find(container_id);
  if (!report) return;
  const auto& settings = report->plan.settings;
  const bool any = std::any_of(settings.begin(), settings.end(), [](const model::PlannedSetting& setting) {
    return setting.request.setting.spec->target == model::Target::Traffic &&
           setting.state == model::State::Pending;
  });
  if (any) network->prepare(static_cast<pid_t>(sandbox_pid));
}

void Agent::Parts::planAnew(const model::NodePolicy& policy) {
  controller->setTraffic(network->wanted(), network->problem());
  controller->setNodePolicy(policy);
}

void Agent::Parts::makeController(model::NodeFacts node, cgroup::Hierarchy hierarchy) {
  applier = std::make_unique<control::Applier>(options.roots, std::move(hierarchy), *journal,
                                               observability->metrics());
  applier->setTraffic(network.get());
  control::Controller::Options controls;
  controls.sweep_min = std::chrono::seconds(options.sweep_seconds);
  controls.sweep_max = std::max(controls.sweep_max, controls.sweep_min);
  controller = std::make_unique<control::Controller>(
      *loop, controls, *applier, std::move(node), config.policy, store, observability->metrics(),
      [this](model::Event event) { tellSoon(std::move(event)); });
}

base::Status Agent::Parts::makeAudit() {
  ASSIGN_OR_RETURN(cgroup::Hierarchy to_read, cgroup::Hierarchy::open(options.roots));
  NodeAudit::Hooks hooks;
  hooks.knows_pod = [this](const std::string& sandbox_id) { return controller->knowsPod(sandbox_id); };
  hooks.discovered = [this](std::vector<model::PodFacts> pods, std::vector<model::ContainerFacts> found) {
    controller->discovered(std::move(pods), std::move(found));
  };
  hooks.removed = [this](const std::string& id) { controller->containerRemoved(id); };
  hooks.tell = [this](model::Event event) { tellSoon(std::move(event)); };
  hooks.suspect = [this](std::string_view reason, sys::EventLoop::Clock::time_point happened) {
    observability->state().missedEvent(reason, happened);
    return plugin->suspectZombie(reason, happened);
  };
  NodeAudit::Options audited;
  audited.cri_socket = options.cri_socket;
  audit = std::make_unique<NodeAudit>(*loop, std::move(audited), store, std::move(to_read), options.roots,
                                      std::move(hooks));
  return base::ok();
}

base::Status Agent::Parts::startApi() {
  api::ServerOptions api;
  api.socket = options.api_socket;
  api.allowed_uids.clear();
  for (uint32_t uid : config.api.allowed_uids) api.allowed_uids.insert(uid);
  api.max_connections = config.api.max_connections;
  api.serving = [this](const std::string& service) { return observability->serving(service); };
  ASSIGN_OR_RETURN(server, api::Server::start(std::move(api), *source));
  return base::ok();
}

base::Status Agent::Parts::startPlugin() {
  NriHandler::Notices notices;
  notices.connected = [this] {
    source->setRuntime(controller->node());
    observability->connected();
    audit->synchronized();
  };
  notices.disconnected = [this](std::string_view reason) {
    source->setRuntimeProblem(std::string(reason));
    observability->disconnected(reason);
    audit->disconnected();
  };
  handler = std::make_unique<ObservedHandler>(
      *controller, std::move(notices), observability->metrics(), observability->state(),
      [this](const std::string& id, int64_t sandbox_pid) { prepareTraffic(id, sandbox_pid); });
  nri::PluginOptions plugin_options;
  plugin_options.name = options.nri_name;
  plugin_options.index = options.nri_index;
  plugin_options.socket_path = options.nri_socket;
  ASSIGN_OR_RETURN(plugin_options, nri::fromEnvironment(std::move(plugin_options)));
  plugin = std::make_unique<nri::Plugin>(*loop, std::move(plugin_options), *handler);
  return plugin->start();
}

base::Status Agent::Parts::makeObservability() {
  ASSIGN_OR_RETURN(cgroup::Hierarchy to_read, cgroup::Hierarchy::open(options.roots));
  observability = std::make_unique<Observability>(*loop, std::move(to_read), *source);
  observability->configLoaded(config);
  observability->setTraffic(*network);
  return base::ok();
}

base::Status Agent::Parts::startObservability() {
  return observability->start(
      {.plugin = *plugin, .settled = [this] { return controller->pending() == 0; }, .journal = journal.get()},
      options.http_address);
}

base::Status Agent::Parts::watchForSignals() {
  ASSIGN_OR_RETURN(signals, watchSignals());
  ASSIGN_OR_RETURN(signal_watch, loop->watch(signals.get(), EPOLLIN, [this](uint32_t) {
    log::info("Ending; containers keep their settings");
    loop->stop();
  }));
  return base::ok();
}

Started Agent::start(AgentOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  auto hierarchy = cgroup::Hierarchy::open(parts->options.roots);
  if (!hierarchy) return failed(kExitUnsupported, hierarchy.error());
  auto loop = sys::EventLoop::create();
  if (!loop) return failed(kExitFailure, loop.error());
  parts->loop = std::move(*loop);
  // Before any thread exists, so that every thread leaves the signals to the loop.
  if (auto status = parts->watchForSignals(); !status) return failed(kExitFailure, status.error());
  if (auto status = parts->openConfig(); !status) return failed(kExitConfig, status.error());
  if (auto status = parts->openJournal(); !status) return failed(kExitFailure, status.error());
  model::NodeFacts node =
      cgroup::probeNode(parts->options.roots, *hierarchy, knownCgroups(parts->options.roots));
  node.may_enter_namespaces = netns::mayEnterNamespaces();
  parts->makeSource(node);
  parts->makeNetwork(node);
  if (auto status = parts->makeObservability(); !status) return failed(kExitFailure, status.error());
  parts->makeController(std::move(node), std::move(*hierarchy));
  if (auto status = parts->startApi(); !status) return failed(kExitFailure, status.error());
  if (auto status = parts->makeAudit(); !status) return failed(kExitFailure, status.error());
  if (auto status = parts->startPlugin(); !status) return failed(kExitFailure, status.error());
  if (auto status = parts->startObservability(); !status) return failed(kExitFailure, status.error());
  return {std::unique_ptr<Agent>(new Agent(std::move(parts))), kExitOk, {}};
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Agent::~Agent() {
  // The API reads the source and the plugin calls the handler: they end first.
  parts_->plugin->stop();
  parts_->server.reset();
}

void Agent::run() {
  log::info("Watching over this node", {{"version", PLIMSOLL_VERSION},
                                        {"kernel", parts_->controller->node().kernel_release},
                                        {"config", parts_->options.config}});
  parts_->loop->run();
}

}  // namespace plimsoll::agent
