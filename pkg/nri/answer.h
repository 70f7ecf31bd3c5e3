// Makes a handler's answer fit to be sent: what the runtime would refuse or drop in silence is found here,
// where it can be told.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "pkg/base/result.h"
#include "proto/nri/v1alpha1/nri.pb.h"

namespace plimsoll::nri {

// Serialised. Internal: a string is not valid UTF-8, which Go refuses to read. ResourceExhausted: larger than
// a ttRPC message may be.
base::Result<std::string> encodeMessage(const google::protobuf::Message& message);

// An update without a container id is skipped by the runtime without a word: removes such, and returns how
// many there were.
size_t dropNamelessUpdates(google::protobuf::RepeatedPtrField<api::ContainerUpdate>& updates);

// InvalidArgument: an update of the container that is being created, which fails the creation.
base::Status checkNoUpdateOf(const std::string& container_id, const api::CreateContainerResponse& answer);

}  // namespace plimsoll::nri
