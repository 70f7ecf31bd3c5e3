#include "pkg/netns/membership.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

#include "pkg/sys/file.h"

namespace plimsoll::netns {
namespace {

using base::ErrorCode;

// `whose` for people: "the pod's".
Result<Identity> look(int dir, const std::string& path, const std::string& whose) {
  auto identity = identityAt(dir, path);
  if (!identity && (identity.error().sys_errno == EACCES || identity.error().sys_errno == EPERM)) {
    identity.error().code = ErrorCode::Unimplemented;
    identity.error().message =
        "looking at " + whose +
        " namespaces needs CAP_SYS_PTRACE, which the agent's profile \"namespaces\" has";
  }
  return identity;
}

class Membership final : public mechanism::Access {
 public:
  Membership(const sys::HostRoots& roots, base::UniqueFd process, Belongs belongs, pid_t sandbox_pid)
      : roots_(roots),
        process_(std::move(process)),
        belongs_(std::move(belongs)),
        sandbox_pid_(sandbox_pid) {}

  mechanism::Place place() const override { return {}; }
  bool gone() const override {
    auto text = sys::readAt(process_.get(), "cgroup");
    return !text && text.error().isGone();
  }

  Result<std::string> read(const model::PlannedSetting& setting) const override {
    const std::string link = "ns/" + setting.request.setting.file;
    ASSIGN_OR_RETURN(const Identity own, look(process_.get(), link, "the container's"));
    ASSIGN_OR_RETURN(const std::string cgroup, sys::readAt(process_.get(), "cgroup"));
    RETURN_IF_ERROR(belongs_(cgroup));
    ASSIGN_OR_RETURN(const Identity nodes, look(AT_FDCWD, roots_.proc + "/1/" + link, "the node's"));
    if (own == nodes) return "node";
    if (sandbox_pid_ <= 0)
      return base::error(ErrorCode::Unimplemented,
                         "the runtime does not say which process holds the pod's namespaces");
    ASSIGN_OR_RETURN(
        const Identity pods,
        look(AT_FDCWD, roots_.proc + "/" + std::to_string(sandbox_pid_) + "/" + link, "the pod's"));
    return own == pods ? "pod" : "private";
  }

  Status write(const model::PlannedSetting&) const override {
    return base::error(ErrorCode::Unimplemented,
                       "only the runtime can give a container a namespace, when it creates it");
  }

 private:
  const sys::HostRoots& roots_;
  base::UniqueFd process_;  // /proc/<pid>
  Belongs belongs_;
  pid_t sandbox_pid_;
};

}  // namespace

Result<std::unique_ptr<mechanism::Access>> openMembership(const sys::HostRoots& roots, const Subject& subject,
                                                          pid_t sandbox_pid) {
  ASSIGN_OR_RETURN(base::UniqueFd process, sys::openDir(roots.proc + "/" + std::to_string(subject.pid)));
  return std::make_unique<Membership>(roots, std::move(process), subject.belongs, sandbox_pid);
}

}  // namespace plimsoll::netns
