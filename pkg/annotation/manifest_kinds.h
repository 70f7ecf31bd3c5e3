// Where each kind of object keeps its pod. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "pkg/annotation/strict_yaml.h"

namespace plimsoll::annotation {

constexpr int kDeepestList = 4;  // a List within a List

enum class Holds { Nothing, Pod, Template, CronTemplate, Objects };
Holds holds(std::string_view kind);

// The pod or the pod template of an object that holds one; nullptr: it has none.
const yaml::Node* podIn(const yaml::Node& object, std::string_view kind);

// The text at a path of keys; "" where there is none.
std::string textAt(const yaml::Node& node, std::initializer_list<std::string_view> path);

// How much of a manifest is read.
yaml::Options manifestOptions(size_t max_bytes);

}  // namespace plimsoll::annotation
