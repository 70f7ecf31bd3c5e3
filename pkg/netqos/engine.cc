#include "pkg/netqos/engine.h"

#include <algorithm>

#include "pkg/base/log.h"
#include "pkg/netqos/access.h"
#include "pkg/netqos/discovery.h"
#include "pkg/netqos/engine_impl.h"
#include "pkg/netqos/place_files.h"
#include "pkg/netqos/takeover.h"

namespace plimsoll::netqos {
namespace {

using base::Result;
using base::Status;

constexpr uint32_t kSpareLinks = 2 * kTrafficUplinks;

}  // namespace

Engine::Impl::Impl(const Options& options, bpfobj::Traffic traffic, rtnl::Socket rtnl, DeviceTable table,
                   bool tcx)
    : options_(options),
      cilium_(findCilium(options.bpffs)),
      traffic_(std::move(traffic)),
      rtnl_(std::move(rtnl)),
      table_(std::move(table)),
      tree_(options.roots.cgroup),
      hooks_(traffic_, rtnl_, tree_, tcx, traffic_.pinFolder()),
      pods_({traffic_, hooks_, rtnl_, table_, tree_, options.roots.proc, cilium_.present}),
      uplinks_(traffic_, hooks_, rtnl_, table_, options.queue_kinds) {
  if (Status pacing = traffic_.probePacing(); !pacing) no_pacing_ = pacing.error().message;
}

void Engine::Impl::takeOver() {
  std::vector<Place> taken = hooks_.takeOver();
  for (const std::string& former : formerFolders(traffic_.pinFolder())) {
    Status over = takeOverLayout(former, traffic_, hooks_, tree_);
    if (!over)
      base::log::warn("Another version's traffic programs go on beside ours",
                      {{"error", over.error().message}});
  }
  if (!traffic_.pinFolder().empty()) taken = pinnedPlaces(traffic_.pinFolder());
  pods_.adopt(taken);
  if (Status up = uplinks_.configure(options_.line); !up)
    base::log::warn("An uplink cannot be attached to", {{"error", up.error().message}});
  for (const std::string& failed : pods_.settleAll())
    base::log::warn("Traffic programs could not be attached again", {{"error", failed}});
  tellPrograms();
  lookAround();
}

void Engine::Impl::lookAround() {
  findings_ = findingsOf(cilium_, options_.bpffs);
  const std::vector<rtnl::Device> devices = pods_.devices();
  auto add = [this](std::vector<Finding> more) {
    std::move(more.begin(), more.end(), std::back_inserter(findings_));
  };
  if (auto queues = rtnl_.queues()) add(shapersOn(*queues, devices));
  if (!hooks_.tcx()) return;
  auto before = [&](bpfobj::Program program, uint32_t ifindex, const std::string& name) {
    auto fd = traffic_.program(program);
    auto ours = fd ? bpfobj::programId(*fd) : Result<uint32_t>(tl::make_unexpected(fd.error()));
    auto ids = bpfobj::tcxPrograms(ifindex, directionOf(program));
    if (ours && ids) add(programsBefore(*ids, *ours, name));
  };
  for (const rtnl::Device& device : devices) before(bpfobj::Program::PodOut, device.ifindex, device.name);
  for (const UplinkReport& uplink : uplinks_.report())
    if (uplink.ifindex != 0) before(bpfobj::Program::UplinkOut, uplink.ifindex, uplink.device);
}

void Engine::Impl::tellPrograms() {
  TrafficConfig config = {};
  config.paced_uplink = uplinks_.paced();
  const std::vector<uint8_t> levels = pods_.hostLevels();
  std::copy_n(levels.begin(), std::min<size_t>(levels.size(), kTrafficHostLevels), config.host_levels);
  if (std::equal(std::begin(config.host_levels), std::end(config.host_levels), told_.host_levels) &&
      config.paced_uplink == told_.paced_uplink)
    return;
  traffic_.configure(config);
  told_ = config;
}

Result<Subject> Engine::Impl::complete(const Subject& subject) const {
  Subject out = subject;
  for (CgroupRef* cgroup : {&out.container, &out.pod}) {
    if (cgroup->id != 0) continue;
    ASSIGN_OR_RETURN(*cgroup, tree_.find(cgroup->path));
  }
  return out;
}

Status Engine::Impl::set(const Subject& subject, Level level, std::string_view field,
                         const std::string& text) {
  onEvents();  // its link may be news
  Status status = pods_.set(subject, level, field, text);
  tellPrograms();
  return status;
}

Status Engine::Impl::join(const Subject& subject) {
  if (pods_.find(subject.container.id) == nullptr) onEvents();
  Status status = pods_.join(subject);
  tellPrograms();
  return status;
}

void Engine::Impl::prepare(pid_t pid) {
  onEvents();
  auto nsid = rtnl_.nsidOf(pid);
  if (!nsid || !*nsid) return;
  for (const rtnl::Device& device : linksInto(table_.all(), **nsid).devices)
    hooks_.prepare({bpfobj::Program::PodOut, device.ifindex, {}});
}

Status Engine::Impl::configure(const LineOptions& line) {
  options_.line = line;
  Status status = uplinks_.configure(line);
  tellPrograms();
  return status;
}

Engine::Reconciled Engine::Impl::reconcile() {
  onEvents();
  hooks_.forgive(Hooks::Clock::now());
  hooks_.dropUnclaimed(Hooks::Clock::now());
  Pods::Tally tally;
  for (uint64_t id : pods_.ids()) pods_.reconcile(id, tally);
  uplinks_.reconcile(tally.repaired, tally.failed);
  tellPrograms();
  if (++reconciled_ % 4 == 1) lookAround();
  return {tally.repaired, tally.forgotten, tally.failed};
}

void Engine::Impl::onEvents() {
  auto changes = table_.update(rtnl_);
  if (!changes) {
    base::log::warn("Network devices cannot be listed", {{"error", changes.error().message}});
    return;
  }
  for (uint32_t ifindex : changes->gone) pods_.deviceGone(ifindex);
  pods_.devicesCame(changes->changed);
  const bool uplinks = std::any_of(changes->changed.begin(), changes->changed.end(),
                                   [this](const rtnl::Device& device) { return uplinks_.concerns(device); });
  uint32_t repaired = 0, failed = 0;
  if (uplinks) uplinks_.reconcile(repaired, failed);
  if (uplinks || !changes->gone.empty() || !changes->changed.empty()) tellPrograms();
}

NodeReport Engine::Impl::report() const {
  NodeReport report;
  report.mode = hooks_.tcx() ? Mode::LinkTcx : Mode::LinkClassic;
  if (!hooks_.tcx())
    report.reason = options_.allow_tcx ? "this kernel has no TCX (Linux 6.6)" : "TCX is switched off";
  report.pins = traffic_.pinFolder();
  report.pacing = no_pacing_.empty();
  report.no_pacing = no_pacing_;
  report.pods = pods_.ids().size();
  report.containers = pods_.containers();
  report.repairs = hooks_.repairs() + uplinks_.queueRepairs();
  report.stepped_back = hooks_.steppedBack();
  report.uplinks = uplinks_.report();
  report.findings = findings_;
  for (Finding& queue : uplinks_.queueFindings()) report.findings.push_back(std::move(queue));
  return report;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::start(const Options& options) {
  bpfobj::TrafficOptions load;
  load.bpffs = options.bpffs;
  load.entities = options.pods + options.containers;
  load.links = options.pods + kSpareLinks;
  if (options.schema != 0) load.schema = options.schema;
  ASSIGN_OR_RETURN(bpfobj::Traffic traffic, bpfobj::Traffic::load(load));
  ASSIGN_OR_RETURN(rtnl::Socket rtnl, rtnl::Socket::open());
  ASSIGN_OR_RETURN(DeviceTable table, DeviceTable::open());
  RETURN_IF_ERROR(table.update(rtnl));
  ASSIGN_OR_RETURN(const int program, traffic.program(bpfobj::Program::PodOut));
  const bool tcx = options.allow_tcx && bpfobj::hasTcx(program);
  auto impl = std::make_unique<Impl>(options, std::move(traffic), std::move(rtnl), std::move(table), tcx);
  impl->takeOver();
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Result<std::unique_ptr<mechanism::Access>> Engine::open(const Subject& subject, Level level) {
  ASSIGN_OR_RETURN(Subject complete, impl_->complete(subject));
  Status joined = impl_->join(complete);
  if (!joined && joined.error().isGone()) return tl::make_unexpected(std::move(joined).error());
  return std::make_unique<TrafficAccess>(*impl_, std::move(complete), level);
}

Result<std::unique_ptr<mechanism::Access>> Engine::openPlace(const mechanism::Place& place) {
  ASSIGN_OR_RETURN(CgroupRef cgroup, impl_->tree().find(place.name));
  return std::make_unique<PlaceAccess>(*impl_, std::move(cgroup));
}

void Engine::prepare(pid_t pid) { impl_->prepare(pid); }
Status Engine::configure(const LineOptions& line) { return impl_->configure(line); }
int Engine::eventFd() const { return impl_->eventFd(); }
void Engine::onEvents() { impl_->onEvents(); }
Engine::Reconciled Engine::reconcile() { return impl_->reconcile(); }
std::optional<Counts> Engine::countsOf(uint64_t cgroup_id) const { return impl_->pods().countsOf(cgroup_id); }
ModeReport Engine::modeOf(uint64_t cgroup_id) const { return impl_->pods().modeOf(cgroup_id); }
NodeReport Engine::report() const { return impl_->report(); }

}  // namespace plimsoll::netqos
