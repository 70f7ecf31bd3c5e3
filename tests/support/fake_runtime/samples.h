// Pods and containers as containerd describes them, for tests and benchmarks.
#pragma once

#include <string>

#include "proto/nri/v1alpha1/nri.pb.h"

namespace plimsoll::fake {

namespace api = nri::api;

// Pod number `n` with its runtime's and the kubelet's own labels and annotations.
api::PodSandbox samplePod(int n);
// The container `name` of that pod, not yet created.
api::Container sampleContainer(const api::PodSandbox& pod, const std::string& name = "app");

}  // namespace plimsoll::fake
