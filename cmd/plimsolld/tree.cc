#include "cmd/plimsolld/tree.h"

#include <algorithm>
#include <map>

#include "pkg/cgroup/container_cgroup.h"

namespace plimsoll::agent {
namespace {

using api::CgroupTexts;
using base::Result;

// "/a/b" gives "/", "/a", "/a/b".
std::vector<CgroupTexts> wayTo(const std::string& path, bool above) {
  std::vector<CgroupTexts> way;
  if (above) {
    way.push_back({"/", {}});
    for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
      way.push_back({path.substr(0, slash), {}});
  }
  way.push_back({path, {}});
  return way;
}

CgroupTexts* find(std::vector<CgroupTexts>& way, std::string_view path) {
  const auto found =
      std::find_if(way.begin(), way.end(), [&](const auto& each) { return each.path == path; });
  return found == way.end() ? nullptr : &*found;
}

}  // namespace

Result<std::vector<CgroupTexts>> readTree(const cgroup::Hierarchy& hierarchy, const std::string& path,
                                          const std::vector<std::string>& files, bool above) {
  ASSIGN_OR_RETURN(const cgroup::ContainerCgroup cgroup, cgroup::ContainerCgroup::open(hierarchy, path));
  std::vector<CgroupTexts> way = wayTo(path, above);
  for (const std::string& file : files) {
    auto text = cgroup.read(file);
    if (text) {
      way.back().files.push_back({file, std::move(*text), ""});
    } else if (text.error().isGone()) {
      return tl::unexpected(text.error());
    } else if (text.error().code != base::ErrorCode::Unimplemented) {
      way.back().files.push_back({file, "", text.error().message});
    }
    if (!above) continue;
    for (const model::AncestorValue& value : cgroup.ancestors(file)) {
      const std::string folder = value.path.substr(0, value.path.rfind('/'));
      if (CgroupTexts* there = find(way, folder.empty() ? "/" : folder))
        there->files.push_back({file, value.text, ""});
    }
  }
  return way;
}

}  // namespace plimsoll::agent
