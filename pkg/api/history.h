// The journal's records as messages of proto/plimsoll/v1. Pure, any thread.
#pragma once

#include <vector>

#include "pkg/base/result.h"
#include "pkg/journal/journal.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

// InvalidArgument: a pod without a namespace, a container without a pod, a negative limit.
base::Result<journal::HistoryQuery> historyQuery(const pb::GetHistoryRequest& request);
void toProto(const journal::Record& record, pb::HistoryEntry* out);
pb::GetHistoryResponse historyAnswer(const std::vector<journal::Record>& records);

}  // namespace plimsoll::api
