// The mechanisms of a pod's namespaces: Target::Sysctl and Target::Link. Several containers share them; which
// of them asked first makes no difference, since only a value that differs is written.
//
//   ASSIGN_OR_RETURN(auto access, netns::openAccess(roots, subject, model::ActsIn::NetworkNamespace));
//   Applied applied = mechanism::applySetting(*access, setting);
//
// Errors as in namespace.h; a name that this kernel does not show in a namespace of its own is Unimplemented.
// One thread at a time.
#pragma once

#include <memory>

#include "pkg/mechanism/mechanism.h"
#include "pkg/model/setting.h"
#include "pkg/netns/namespace.h"

namespace plimsoll::netns {

class NamespaceAccess final : public mechanism::Access {
 public:
  // `roots` outlives this.
  NamespaceAccess(Namespace ns, const sys::HostRoots& roots) : ns_(std::move(ns)), roots_(roots) {}

  mechanism::Place place() const override { return ns_.place(); }
  bool gone() const override { return ns_.gone(); }
  Result<std::string> read(const model::PlannedSetting& setting) const override;
  Status write(const model::PlannedSetting& setting) const override;

 private:
  Status checkKind(const model::PlannedSetting& setting) const;

  Namespace ns_;
  const sys::HostRoots& roots_;
};

// A process of the container whose pod is meant, and how to know that it is the container's.
struct Subject {
  pid_t pid = 0;
  Belongs belongs;
};

// `where` is NetworkNamespace or IpcNamespace, as model::actsIn() gives it.
Result<std::unique_ptr<mechanism::Access>> openAccess(const sys::HostRoots& roots, const Subject& subject,
                                                      model::ActsIn where);

// For putting back: the namespace of an earlier place().
Result<std::unique_ptr<mechanism::Access>> openAccess(const sys::HostRoots& roots,
                                                      const mechanism::Place& place);

}  // namespace plimsoll::netns
