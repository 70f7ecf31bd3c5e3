#include "pkg/bpfobj/skeleton.h"

namespace plimsoll::bpfobj {

base::Status planMaps(bpf_object* object, const MapPlan& plan) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__is_internal(map)) continue;
    std::string name = bpf_map__name(map);
    int err = 0;
    if (auto shared = plan.shared.find(name); shared != plan.shared.end()) {
      err = bpf_map__reuse_fd(map, shared->second);
    } else {
      if (auto size = plan.sizes.find(name); size != plan.sizes.end())
        err = bpf_map__set_max_entries(map, size->second);
      if (err == 0 && !plan.pin_folder.empty())
        err = bpf_map__set_pin_path(map, (plan.pin_folder + "/" + name).c_str());
    }
    if (err != 0) return libbpfError(err, "prepare map " + name);
  }
  return base::ok();
}

void shareMaps(bpf_object* object, MapPlan& plan) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (!bpf_map__is_internal(map)) plan.shared.emplace(bpf_map__name(map), bpf_map__fd(map));
  }
}

}  // namespace plimsoll::bpfobj
