// Containers' counters as messages. Any thread.
#pragma once

#include "pkg/api/query.h"
#include "pkg/api/source.h"
#include "pkg/base/result.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

// Only containers that Plimsoll has settings for and that run. One that cannot be read is listed with the
// reason; one that went away meanwhile is left out. InvalidArgument: selector, page size or token.
base::Result<pb::GetStatsResponse> getStats(Source& source, const pb::GetStatsRequest& request,
                                            const PageLimits& limits);

void toProto(const model::StatsSample& sample, pb::ContainerStats* out);

}  // namespace plimsoll::api
