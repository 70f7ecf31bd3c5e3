#include "pkg/annotation/policy_document.h"

#include "pkg/annotation/strict_yaml.h"
#include "pkg/model/quantity.h"

namespace plimsoll::annotation {
namespace {

using yaml::Entry;
using yaml::Node;

class Reader {
 public:
  Reader(const Place& place, Collector& collector) : place_(place), collector_(collector) {}

  void readDocument(const Node& root) {
    if (root.isNull()) return;
    if (!root.isMap()) {
      return problem(
          root, "", "",
          "the document is " + std::string(yaml::kindName(root)) + "; write a mapping with " + kKeys);
    }
    readScope(root, place_.container, "", place_.container.empty());
  }

 private:
  static constexpr const char* kKeys = "class, on-error, settings or containers";

  Place at(const Node& node, std::string_view container, std::string path) const {
    Place place{container, std::move(path), place_.source};
    place.source.kind = container.empty() ? model::SourceKind::PodPolicy : model::SourceKind::ContainerPolicy;
    place.source.where += ":" + std::to_string(node.line);
    return place;
  }

  void problem(const Node& node, std::string_view container, const std::string& path, std::string message,
               std::string suggestion = {}) {
    collector_.problem(at(node, container, path), node.text, (path.empty() ? "" : path + ": ") + message,
                       std::move(suggestion));
  }

  void readScope(const Node& map, std::string_view container, const std::string& path,
                 bool containers_allowed) {
    for (const Entry& entry : map.entries) {
      const std::string here = path + entry.key;
      if (entry.key == model::kClassKey || entry.key == model::kOnErrorKey) {
        readSteering(entry, container, here);
      } else if (entry.key == "settings") {
        readSettings(entry.value, container, here, "");
      } else if (entry.key == "containers" && containers_allowed) {
        readContainers(entry.value, here);
      } else {
        unknownKey(entry, container, here, containers_allowed);
      }
    }
  }

  void readSteering(const Entry& entry, std::string_view container, const std::string& path) {
    if (!entry.value.isScalar()) {
      return problem(entry.value, container, path,
                     "has " + std::string(yaml::kindName(entry.value)) + " where a word should stand");
    }
    collector_.take(at(entry.value, container, path), entry.key, entry.value.text);
  }

  void readSettings(const Node& node, std::string_view container, const std::string& path,
                    const std::string& prefix) {
    if (prefix.empty() && node.isNull()) return;
    if (node.isScalar() && !prefix.empty()) {
      if (isSteering(prefix)) {
        return problem(node, container, path, "stands beside settings, not within them");
      }
      return collector_.take(at(node, container, path), prefix, node.text);
    }
    if (!node.isMap()) {
      return problem(
          node, container, path,
          "has " + std::string(yaml::kindName(node)) + " where a value such as cpu.weight: 200 should stand");
    }
    for (const Entry& entry : node.entries) {
      readSettings(entry.value, container, path + "." + entry.key,
                   prefix.empty() ? entry.key : prefix + "." + entry.key);
    }
  }

  static bool isSteering(std::string_view key) {
    return key == model::kClassKey || key == model::kOnErrorKey || key == model::kPolicyKey;
  }

  void readContainers(const Node& node, const std::string& path) {
    if (node.isNull()) return;
    if (!node.isMap()) {
      return problem(
          node, "", path,
          "has " + std::string(yaml::kindName(node)) + " where a mapping from container names should stand");
    }
    for (const Entry& entry : node.entries) {
      const std::string here = path + "." + entry.key;
      if (!isContainerName(entry.key)) {
        problem(entry.value, "", here, model::inQuotes(entry.key) + " cannot be a container's name");
      } else if (entry.value.isMap()) {
        readScope(entry.value, entry.key, here + ".", false);
      } else if (!entry.value.isNull()) {
        problem(entry.value, entry.key, here, "write a mapping with class, on-error or settings");
      }
    }
  }

  void unknownKey(const Entry& entry, std::string_view container, const std::string& path,
                  bool containers_allowed) {
    const std::string shown = model::inQuotes(entry.key);
    if (collector_.full()) return problem(entry.value, container, path, "");
    if (entry.key == "containers") {
      return problem(entry.value, container, path,
                     "containers stands only at the top of the pod's own document");
    }
    if (model::findSetting(entry.key)) {
      return problem(entry.value, container, path,
                     shown + " stands under settings:", "settings." + entry.key);
    }
    static constexpr std::string_view kWords[] = {"class", "on-error", "settings", "containers"};
    const auto words = std::span(kWords).first(containers_allowed ? 4 : 3);
    auto near = model::nearest(entry.key, words);
    std::string message = shown + " is not a key of the document; write " +
                          (containers_allowed ? kKeys : "class, on-error or settings");
    problem(entry.value, container, path, std::move(message), near ? std::string(*near) : std::string());
  }

  const Place& place_;
  Collector& collector_;
};

}  // namespace

void readPolicyDocument(const Place& place, std::string_view text, Collector& collector) {
  auto root = yaml::parse(text);
  if (!root) return collector.problem(place, text, "policy: " + root.error().message);
  Reader(place, collector).readDocument(*root);
}

}  // namespace plimsoll::annotation
