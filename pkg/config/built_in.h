// The classes that a node has without any configuration. Any thread. Private to pkg/config.
#pragma once

#include <map>
#include <string>

#include "pkg/model/rules.h"

namespace plimsoll::config {

std::map<std::string, model::ClassDef, std::less<>> builtInClasses();

}  // namespace plimsoll::config
