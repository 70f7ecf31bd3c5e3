// What `tree` and `topology` print. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

// The cgroup whose value of a file counts for another one below it: the least along the way, the innermost
// of equals.
struct Binding {
  std::string container;  // for whom
  std::string file;
  std::string path;   // whose value binds
  std::string value;  // that value
  std::string own;    // the container's own; empty: it has none
};
// Only those where the container's own value is not the one that binds, and says something: an ancestor's
// limit below a limit, an ancestor's protection below a protection.
std::vector<Binding> bindings(const pb::GetTreeResponse& tree);

struct TreeLook {
  bool ascii = false;
};
std::string treeText(const pb::GetTreeResponse& tree, const TreeLook& look, const View& view);
JsonValue document(const pb::GetTreeResponse& tree);  // kind CgroupTree

std::string topologyText(const pb::Topology& topology, const View& view);
JsonValue document(const pb::Topology& topology);  // kind Topology

}  // namespace plimsoll::cli
