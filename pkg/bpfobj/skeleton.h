// Owner of a skeleton that bpftool generated, and what all objects have in common before they are loaded.
//
// Only for .cc files of this package: it includes libbpf.
#pragma once

#include <bpf/libbpf.h>

#include <map>
#include <memory>
#include <string>

#include "pkg/base/result.h"
#include "pkg/bpfobj/libbpf_log.h"

namespace plimsoll::bpfobj {

template <typename T>
struct SkeletonDelete {
  void operator()(T* skeleton) const { T::destroy(skeleton); }
};
template <typename T>
using Skeleton = std::unique_ptr<T, SkeletonDelete<T>>;

struct MapPlan {
  std::string pin_folder;                 // empty: not pinned
  std::map<std::string, uint32_t> sizes;  // max_entries by name; others keep the object's own
  std::map<std::string, int> shared;      // descriptors of maps that exist already
};

// Sets sizes, pins and shared maps of an opened object.
base::Status planMaps(bpf_object* object, const MapPlan& plan);
// Adds the object's maps to plan.shared, for the next object.
void shareMaps(bpf_object* object, MapPlan& plan);

template <typename T>
base::Result<Skeleton<T>> openSkeleton(const char* name) {
  LibbpfLog log;
  Skeleton<T> skeleton(T::open());
  if (skeleton == nullptr) return log.error(errno, std::string("open the programs of ") + name);
  return skeleton;
}

template <typename T>
base::Status loadSkeleton(const char* name, const Skeleton<T>& skeleton, MapPlan& plan) {
  LibbpfLog log;
  RETURN_IF_ERROR(planMaps(skeleton->obj, plan));
  if (int err = T::load(skeleton.get())) return log.error(err, std::string("load the programs of ") + name);
  shareMaps(skeleton->obj, plan);
  return base::ok();
}

}  // namespace plimsoll::bpfobj
