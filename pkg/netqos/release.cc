#include "pkg/netqos/release.h"

#include <fcntl.h>
#include <linux/pkt_sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>

#include "pkg/netqos/access.h"
#include "pkg/netqos/place_files.h"
#include "pkg/netqos/queues.h"
#include "pkg/netqos/sockets.h"

namespace plimsoll::netqos {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using bpfobj::Program;

class Releaser {
 public:
  Releaser(const Options& options, ReleaseMode mode)
      : options_(options), mode_(mode), tree_(options.roots.cgroup) {}

  std::vector<Released> run() {
    const std::string root = options_.bpffs + "/plimsoll";
    const auto layouts = options_.bpffs.empty() ? std::vector<std::string>() : layoutsIn(root);
    // Sockets last of what needs the maps: while a program is attached it would pace them again.
    for (const std::string& name : layouts) releaseLinks(root + "/" + name);
    releaseFilters();
    releaseQueues(root, layouts);
    for (const std::string& name : layouts) {
      releaseSockets(root + "/" + name, *layoutOf(name));
      releaseFolder(root + "/" + name);
    }
    if (!layouts.empty()) act("the folder " + root, [&] { return removeFolder(root); });
    return std::move(done_);
  }

 private:
  template <typename Work>
  void act(std::string what, const Work& work) {
    Released row{std::move(what), {}};
    if (mode_ == ReleaseMode::Release) {
      Status status = work();
      if (!status) row.problem = status.error().message;
    }
    done_.push_back(std::move(row));
  }

  static Status removeFile(const std::string& path) {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return base::ok();
    return base::errnoError(errno, "remove " + path);
  }
  static Status removeFolder(const std::string& path) {
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return base::ok();
    return base::errnoError(errno, "remove " + path);
  }

  // Somebody else may hold the link too, so it is ended and not only let go.
  void releaseLinks(const std::string& folder) {
    for (const Place& place : pinnedPlaces(folder)) {
      const std::string path = folder + "/" + place.pin();
      auto link = bpfobj::Link::openPinned(path);
      auto info = link ? link->info() : Result<bpfobj::LinkInfo>(tl::make_unexpected(link.error()));
      const bool dead = info && info->ifindex == 0 && info->cgroup_id == 0;
      const std::string where =
          place.onDevice() ? place.where() : "cgroup " + std::to_string(place.cgroup.id);
      act(place.program_name() + (dead ? " of a former " : " at ") + where, [&]() -> Status {
        if (link && !dead) RETURN_IF_ERROR(link->detach());
        return removeFile(path);
      });
    }
  }

  void releaseFilters() {
    auto rtnl = rtnl::Socket::open();
    auto devices =
        rtnl ? rtnl->devices() : Result<std::vector<rtnl::Device>>(tl::make_unexpected(rtnl.error()));
    if (!devices) {
      done_.push_back({"filters", devices.error().message});
      return;
    }
    for (const rtnl::Device& device : *devices) {
      for (Program program : {Program::PodOut, Program::PodIn, Program::UplinkOut}) {
        const Place place{program, device.ifindex, {}};
        auto there = filterAt(*rtnl, place);
        if (!there || !*there || !(*there)->ours) continue;
        if (!(*there)->name.starts_with(place.program_name())) continue;
        act("filter " + (*there)->name + " at " + place.where(),
            [&] { return bpfobj::detachClassic(filterPlace(place), (*there)->program_id); });
      }
    }
    rtnl_.emplace(*std::move(rtnl));
  }

  void releaseQueues(const std::string& root, const std::vector<std::string>& layouts) {
    if (!rtnl_) return;
    std::map<uint32_t, std::string> former;  // by device
    std::map<uint32_t, std::string> folders;
    if (auto all = rtnl_->queues()) {
      for (const rtnl::Queue& queue : *all)
        if (queue.parent == TC_H_ROOT && isOurQueue(queue, *all)) former[queue.ifindex] = "the default";
    }
    for (const std::string& name : layouts) {
      for (const QueueMarker& marker : queueMarkers(root + "/" + name)) {
        former[marker.ifindex] = marker.former;
        folders[marker.ifindex] = root + "/" + name;
      }
    }
    for (const auto& [ifindex, kind] : former) {
      act("the queue of device " + std::to_string(ifindex) + ", which was " + kind,
          [&, device = ifindex] { return putBackQueue(*rtnl_, folders[device], device); });
    }
  }

  void releaseSockets(const std::string& folder, uint32_t schema) {
    if (access((folder + "/plm_sockets").c_str(), F_OK) != 0) return;
    bpfobj::TrafficOptions load;
    load.bpffs = options_.bpffs;
    load.schema = schema;
    auto traffic = bpfobj::Traffic::load(load);
    if (!traffic) {
      done_.push_back({"pacing of sockets", "the maps in " + folder +
                                                " cannot be used by this version, so sockets that are open "
                                                "keep their pacing: " +
                                                traffic.error().message});
      return;
    }
    const std::map<uint64_t, std::string> paths = tree_.paths();
    std::set<uint64_t> done;  // namespaces
    for (const bpfobj::EntityRecord& record : traffic->entities()) {
      auto path = paths.find(record.cgroup_id);
      if (path != paths.end()) releaseSocketsOf(*traffic, path->second, done);
    }
  }

  // Of the namespaces of everybody in the cgroup or below it.
  void releaseSocketsOf(const bpfobj::Traffic& traffic, const std::string& path, std::set<uint64_t>& done) {
    for (const auto& [id, below] : tree_.paths(path)) {
      for (pid_t pid : tree_.processes({below, id})) {
        const std::string ns = options_.roots.proc + "/" + std::to_string(pid) + "/ns/net";
        struct stat info = {};
        if (stat(ns.c_str(), &info) != 0 || !done.insert(info.st_ino).second) continue;
        const uint64_t sockets = socketsInUse(options_.roots.proc, pid);
        if (sockets == 0) continue;
        act("pacing among the " + std::to_string(sockets) + " TCP sockets that " + below + " sees",
            [&] { return runOverSockets(traffic, Program::ReleaseAll, options_.roots.proc, pid); });
      }
    }
  }

  void releaseFolder(const std::string& folder) {
    for (uint32_t ifindex : clsactMarkers(folder)) {
      act("clsact of device " + std::to_string(ifindex), [&]() -> Status {
        Status removed = rtnl_ ? removeOurClsact(*rtnl_, folder, ifindex) : base::ok();
        // Where somebody else uses it by now it is his.
        rmdir((folder + "/" + clsactMarker(ifindex)).c_str());
        return removed;
      });
    }
    act("the maps in " + folder, [&]() -> Status {
      for (const std::string& name : namesIn(folder)) RETURN_IF_ERROR(removeFile(folder + "/" + name));
      return removeFolder(folder);
    });
  }

  const Options& options_;
  ReleaseMode mode_;
  CgroupTree tree_;
  std::optional<rtnl::Socket> rtnl_;
  std::vector<Released> done_;
};

class ReleasedAccess final : public mechanism::Access {
 public:
  ReleasedAccess(const sys::HostRoots& roots, mechanism::Place place)
      : tree_(roots.cgroup), place_(std::move(place)) {}

  mechanism::Place place() const override { return place_; }
  bool gone() const override { return !tree_.exists({place_.name, place_.id}); }
  Result<std::string> read(const model::PlannedSetting& setting) const override {
    return showField(Asked{}, levelOf(setting), fieldOf(setting));
  }
  Status write(const model::PlannedSetting& setting) const override {
    ASSIGN_OR_RETURN(const std::string wanted, textOf(setting));
    ASSIGN_OR_RETURN(const std::string holds, read(setting));
    if (wanted == holds) return base::ok();
    return base::error(ErrorCode::FailedPrecondition, "traffic was released; nothing can hold " + wanted);
  }

 private:
  CgroupTree tree_;
  mechanism::Place place_;
};

}  // namespace

std::vector<Released> release(const Options& options, ReleaseMode mode) {
  return Releaser(options, mode).run();
}

std::unique_ptr<mechanism::Access> releasedAccess(const sys::HostRoots& roots,
                                                  const mechanism::Place& place) {
  return std::make_unique<ReleasedAccess>(roots, place);
}

}  // namespace plimsoll::netqos
