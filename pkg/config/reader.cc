#include "pkg/config/reader.h"

#include <algorithm>

#include "pkg/base/parse.h"
#include "pkg/model/quantity.h"

namespace plimsoll::config {
namespace {

using annotation::yaml::kindName;

struct FlatSetting {
  std::string key;
  const Node* value;
  int line;
};

// Nested maps to dotted keys; a key that is a setting's own is never looked into.
void flatten(const Node& map, const std::string& prefix, std::vector<FlatSetting>& out) {
  for (const Entry& entry : map.entries) {
    const std::string key = prefix + entry.key;
    const auto own = entry.value.isMap() ? model::findSetting(key) : std::nullopt;
    if (entry.value.isMap() && (!own || own->spec->free_name != nullptr)) {
      flatten(entry.value, key + ".", out);
    } else {
      out.push_back({key, &entry.value, entry.line});
    }
  }
}

std::string unknownSetting(std::string_view key) {
  if (std::string why = model::whyNoSetting(key); !why.empty()) return why;
  std::string text = "there is no setting " + model::inQuotes(key);
  if (auto near = model::nearestSettingKey(key)) text += "; did you mean " + *near + "?";
  return text;
}

std::optional<model::Request> readSetting(const FlatSetting& flat, const model::Source& source,
                                          Problems& problems) {
  auto setting = model::findSetting(flat.key);
  if (!setting) {
    problems.add(flat.line, unknownSetting(flat.key));
    return std::nullopt;
  }
  if (setting->spec->target == model::Target::Plimsoll) {
    problems.add(flat.line, flat.key + " is for pods and cannot stand here");
    return std::nullopt;
  }
  if (!flat.value->isScalar()) {
    problems.add(flat.line, flat.key + " wants a value such as " + std::string(setting->spec->example) +
                                ", not " + std::string(kindName(*flat.value)));
    return std::nullopt;
  }
  auto value = model::parseValue(*setting->spec, flat.value->text);
  if (!value) {
    problems.add(flat.line, flat.key + ": " + value.error().message);
    return std::nullopt;
  }
  return model::Request{*std::move(setting), flat.value->text, *std::move(value), source};
}

}  // namespace

void Problems::add(int line, std::string_view message) { lines_.emplace_back(line, message); }

std::string Problems::text() const {
  auto sorted = lines_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [line, message] : sorted) {
    if (!text.empty()) text += '\n';
    text += filename_ + ":" + std::to_string(line) + ": " + message;
  }
  return text;
}

std::string didYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  auto near = model::nearest(word, candidates);
  return near ? "; did you mean " + std::string(*near) + "?" : "";
}

bool checkMap(const Node& node, int line, std::string_view what, std::span<const std::string_view> keys,
              Problems& problems) {
  if (!node.isMap()) {
    problems.add(line, std::string(what) + " wants a mapping, not " + std::string(kindName(node)));
    return false;
  }
  for (const Entry& entry : node.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    problems.add(entry.line, "unknown key " + model::inQuotes(entry.key) + " in " + std::string(what) +
                                 didYouMean(entry.key, keys));
  }
  return true;
}

std::optional<std::string> readText(const Entry& entry, Problems& problems) {
  if (entry.value.isScalar() && !entry.value.text.empty()) return entry.value.text;
  problems.add(entry.line, entry.key + " wants text, not " + std::string(kindName(entry.value)));
  return std::nullopt;
}

std::optional<int64_t> readNumber(const Node& node, std::string_view what, int64_t min, int64_t max,
                                  Problems& problems) {
  auto number = node.isScalar() ? base::parseInt<int64_t>(node.text) : std::nullopt;
  if (number && *number >= min && *number <= max) return number;
  problems.add(node.line, std::string(what) + " wants a whole number from " + std::to_string(min) + " to " +
                              std::to_string(max));
  return std::nullopt;
}

std::vector<std::string> readTexts(const Entry& entry, Problems& problems) {
  std::vector<std::string> texts;
  if (!entry.value.isSequence()) {
    problems.add(entry.line, entry.key + " wants a list, not " + std::string(kindName(entry.value)));
    return texts;
  }
  // Read as "no restriction" it would widen what somebody meant to narrow.
  if (entry.value.items.empty()) {
    problems.add(entry.line, entry.key + " is an empty list; leave it out, or name something");
  }
  for (const Node& item : entry.value.items) {
    if (item.isScalar() && !item.text.empty()) {
      texts.push_back(item.text);
    } else {
      problems.add(item.line,
                   entry.key + " wants a list of texts, and this is " + std::string(kindName(item)));
    }
  }
  return texts;
}

std::vector<std::string> readPatterns(const Entry& entry, Problems& problems) {
  std::vector<std::string> patterns = readTexts(entry, problems);
  for (const std::string& pattern : patterns) {
    const size_t star = pattern.find('*');
    if (star == std::string::npos || star + 1 == pattern.size()) continue;
    problems.add(entry.line,
                 entry.key + ": " + model::inQuotes(pattern) + " may have one \"*\" only, at its end");
  }
  return patterns;
}

std::vector<model::Request> readSettings(const Entry& entry, const model::Source& source,
                                         Problems& problems) {
  std::vector<model::Request> requests;
  if (!entry.value.isMap()) {
    problems.add(entry.line, entry.key + " wants a mapping of settings to values, not " +
                                 std::string(kindName(entry.value)));
    return requests;
  }
  std::vector<FlatSetting> flat;
  flatten(entry.value, "", flat);
  for (size_t i = 0; i < flat.size(); ++i) {
    const auto same = [&](const FlatSetting& other) { return other.key == flat[i].key; };
    if (std::any_of(flat.begin(), flat.begin() + static_cast<ptrdiff_t>(i), same)) {
      problems.add(flat[i].line, flat[i].key + " stands here a second time");
      continue;
    }
    if (auto request = readSetting(flat[i], source, problems)) requests.push_back(*std::move(request));
  }
  return requests;
}

}  // namespace plimsoll::config
