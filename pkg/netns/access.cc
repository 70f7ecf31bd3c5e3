#include "pkg/netns/access.h"

#include <cerrno>
#include <string>

#include "pkg/netns/link.h"
#include "pkg/sys/file.h"

namespace plimsoll::netns {
namespace {

using base::ErrorCode;
using model::PlannedSetting;
using model::Target;

const model::SettingSpec& specOf(const PlannedSetting& setting) { return *setting.request.setting.spec; }

// Says what an errno of a sysctl means; ENOENT is not the pod's end.
base::Error explain(base::Error error, const std::string& file) {
  if (error.isGone()) {
    error.code = ErrorCode::Unimplemented;
    error.message = "this kernel shows no /proc/sys/" + file + " in a namespace of its own";
  } else if (error.sys_errno == EROFS) {
    error.message += " (the agent's /proc/sys is mounted read-only; give it the host's /proc)";
  } else if (error.sys_errno == EACCES || error.sys_errno == EPERM) {
    error.code = ErrorCode::PermissionDenied;
  }
  return error;
}

// Called within the namespace: which file a name means is decided when it is opened.
Result<base::UniqueFd> openSysctlDir(const sys::HostRoots& roots, const std::string& file) {
  ASSIGN_OR_RETURN(const base::UniqueFd root, sys::openDir(roots.proc + "/sys"));
  return sys::openDirBeneath(root.get(), std::string_view(file).substr(0, file.rfind('/')),
                             sys::probeLookup());
}

std::string lastName(const std::string& file) { return file.substr(file.rfind('/') + 1); }

Result<std::string> readSysctl(const sys::HostRoots& roots, const std::string& file) {
  ASSIGN_OR_RETURN(const base::UniqueFd dir, openSysctlDir(roots, file));
  return sys::readAt(dir.get(), lastName(file));
}

Status writeSysctl(const sys::HostRoots& roots, const std::string& file,
                   const std::vector<std::string>& values) {
  ASSIGN_OR_RETURN(const base::UniqueFd dir, openSysctlDir(roots, file));
  return sys::writeAt(dir.get(), lastName(file), values);
}

Result<std::string> readLink(const std::string& attribute) {
  ASSIGN_OR_RETURN(const Link link, Link::ofDefaultRoute());
  ASSIGN_OR_RETURN(const int64_t value, link.read(attribute));
  return std::to_string(value);
}

Status writeLink(const PlannedSetting& setting) {
  const auto* number = std::get_if<model::Number>(&setting.value);
  if (number == nullptr)
    return base::error(ErrorCode::Internal, setting.request.setting.key + " is no number");
  ASSIGN_OR_RETURN(const Link link, Link::ofDefaultRoute());
  return link.write(setting.request.setting.file, number->value);
}

std::optional<Kind> kindOf(model::ActsIn where) {
  if (where == model::ActsIn::NetworkNamespace) return Kind::Network;
  if (where == model::ActsIn::IpcNamespace) return Kind::Ipc;
  return std::nullopt;
}

}  // namespace

Status NamespaceAccess::checkKind(const PlannedSetting& setting) const {
  const Target target = specOf(setting).target;
  const bool ours = target == Target::Sysctl || target == Target::Link;
  if (ours && kindOf(model::actsIn(setting.request.setting)) == ns_.kind()) return base::ok();
  return base::error(ErrorCode::Internal,
                     setting.request.setting.key + " does not belong to " + ns_.place().name);
}

Result<std::string> NamespaceAccess::read(const PlannedSetting& setting) const {
  RETURN_IF_ERROR(checkKind(setting));
  const std::string& file = setting.request.setting.file;
  const bool link = specOf(setting).target == Target::Link;
  std::string text;
  RETURN_IF_ERROR(ns_.run([&]() -> Status {
    auto read = link ? readLink(file) : readSysctl(roots_, file);
    if (!read)
      return tl::make_unexpected(link ? std::move(read).error() : explain(std::move(read).error(), file));
    text = *std::move(read);
    return base::ok();
  }));
  return text;
}

Status NamespaceAccess::write(const PlannedSetting& setting) const {
  RETURN_IF_ERROR(checkKind(setting));
  const std::string& file = setting.request.setting.file;
  return ns_.run([&]() -> Status {
    if (specOf(setting).target == Target::Link) return writeLink(setting);
    Status written = writeSysctl(roots_, file, model::kernelWrites(specOf(setting), setting.value));
    if (!written) return tl::make_unexpected(explain(std::move(written).error(), file));
    return base::ok();
  });
}

Result<std::unique_ptr<mechanism::Access>> openAccess(const sys::HostRoots& roots, const Subject& subject,
                                                      model::ActsIn where) {
  const auto kind = kindOf(where);
  if (!kind) return base::error(ErrorCode::Internal, "not a namespace");
  ASSIGN_OR_RETURN(Namespace ns, Namespace::ofProcess(roots, subject.pid, *kind, subject.belongs));
  return std::make_unique<NamespaceAccess>(std::move(ns), roots);
}

Result<std::unique_ptr<mechanism::Access>> openAccess(const sys::HostRoots& roots,
                                                      const mechanism::Place& place) {
  ASSIGN_OR_RETURN(Namespace ns, Namespace::find(roots, place));
  return std::make_unique<NamespaceAccess>(std::move(ns), roots);
}

}  // namespace plimsoll::netns
