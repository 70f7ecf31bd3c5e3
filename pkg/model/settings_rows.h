// The parts of the settings table, in its order; internal to pkg/model.
#pragma once

#include <span>

#include "pkg/model/setting.h"

namespace plimsoll::model {

std::span<const SettingSpec> cgroupRows();     // with those that steer Plimsoll, and limits of processes
std::span<const SettingSpec> namespaceRows();  // sysctls, the pod's link, scheduling
std::span<const SettingSpec> networkRows();    // traffic: priority, rates, DSCP

}  // namespace plimsoll::model
