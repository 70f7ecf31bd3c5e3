// The agent's values as messages of proto/plimsoll/v1. Text that came from a pod is made valid UTF-8 and cut
// to a few KiB on the way. Pure, any thread.
#pragma once

#include <chrono>

#include "pkg/api/source.h"
#include "pkg/model/plan.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

void toProto(const model::ContainerReport& report, pb::Container* out);
void toProto(const model::Event& event, pb::Event* out);
void toProto(const model::Problem& problem, pb::Problem* out);
void toProto(const NodeInfo& node, pb::Node* out);
void toProto(const model::SettingSpec& spec, pb::SettingInfo* out);

// Whether somebody has to look at this container: a setting that is not as asked, a mistake, a rejection.
// Adjusted and Moot are in order as far as Plimsoll can tell, and shown.
bool hasProblems(const model::ContainerReport& report);
// Whether Plimsoll has anything to do with this container.
bool isManaged(const model::ContainerReport& report);

}  // namespace plimsoll::api
