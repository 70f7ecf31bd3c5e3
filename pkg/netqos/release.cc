#include "pkg/netqos/release.h"

namespace plimsoll::netqos {

std::vector<Released> release(const Options&, ReleaseMode) { return {}; }

std::unique_ptr<mechanism::Access> releasedAccess(const sys::HostRoots&, const mechanism::Place&) {
  return nullptr;
}

}  // namespace plimsoll::netqos
