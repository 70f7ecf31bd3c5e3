// Answers about what lies below and around containers: cgroups, the machine, what would be planned, texts for
// a bug report. Any thread.
#pragma once

#include "pkg/api/source.h"
#include "pkg/base/result.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

// InvalidArgument: namespace or pod is missing. NotFound: no container of such a pod is known, or has a
// cgroup.
base::Result<pb::GetTreeResponse> getTree(const Source& source, const pb::GetTreeRequest& request);
base::Result<pb::Topology> getTopology(const Source& source, const pb::GetTopologyRequest& request);
base::Result<pb::SimulateResponse> simulate(const Source& source, const pb::SimulateRequest& request);
pb::Diagnostics diagnostics(const Source& source);

}  // namespace plimsoll::api
