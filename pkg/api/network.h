// Traffic control as messages. Any thread.
#pragma once

#include "pkg/model/network_status.h"
#include "pkg/model/plan.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

void toProto(const model::NetworkStatus& network, pb::Network* out);
// The limits are those that the report's plan has in force.
void toProto(const model::TrafficStats& stats, const model::ContainerReport& report, pb::TrafficStats* out);

}  // namespace plimsoll::api
