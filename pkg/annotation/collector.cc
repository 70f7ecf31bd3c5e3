#include "pkg/annotation/collector.h"

#include <algorithm>

#include "pkg/annotation/annotation.h"
#include "pkg/annotation/strict_yaml.h"
#include "pkg/model/quantity.h"

namespace plimsoll::annotation {
namespace {

using model::SettingKey;
using model::SettingSpec;
using model::Value;

bool hasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string known(std::string_view nearest) { return "; did you mean " + std::string(nearest) + "?"; }

}  // namespace

std::string plainText(std::string_view text, size_t limit) {
  std::string_view part = text.substr(0, limit);
  // Not within a character: at most three of its bytes are beyond the cut.
  for (int i = 0; i < 3 && part.size() < text.size() && !part.empty() && !yaml::isUtf8(part); ++i) {
    part.remove_suffix(1);
  }
  if (yaml::isUtf8(part) && !hasControlCharacter(part)) {
    return std::string(part) + (part.size() < text.size() ? "..." : "");
  }
  std::string quoted = model::inQuotes(text, limit / 4);
  return quoted.substr(1, quoted.size() - 2);
}

bool isContainerName(std::string_view name) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 63 || !alnum(name.front()) || !alnum(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return alnum(c) || c == '-'; });
}

bool Collector::full() const { return intent_.problems.size() >= kMostProblems; }

void Collector::problem(const Place& place, std::string_view value, std::string message,
                        std::string suggestion) {
  if (full()) {
    ++dropped_;
    return;
  }
  intent_.problems.push_back(model::Problem{plainText(place.container), plainText(place.key),
                                            plainText(value), std::move(message), std::move(suggestion),
                                            place.source});
}

model::PodIntent Collector::finish() && {
  if (dropped_ > 0) {
    model::Problem rest;
    rest.key = std::string(model::kAnnotationDomain) + "/";
    rest.message = std::to_string(dropped_) + " more problems are not listed";
    rest.source.where = rest.key;
    intent_.problems.push_back(std::move(rest));
  }
  return std::move(intent_);
}

model::ScopeIntent& Collector::scope(std::string_view container) {
  if (container.empty()) return intent_.pod;
  auto it = intent_.containers.find(container);
  if (it == intent_.containers.end()) it = intent_.containers.emplace(container, model::ScopeIntent{}).first;
  return it->second;
}

void Collector::take(const Place& place, std::string_view setting, std::string_view text) {
  auto found = model::findSetting(setting);
  if (!found) return unknownKey(place, setting, text);
  // What the pod as a whole may send is one thing, what each container may another.
  if (place.container.empty() && !found->spec->pod_form.empty())
    found = model::findSetting(found->spec->pod_form);
  if (!yaml::isUtf8(text)) {
    return problem(place, text,
                   std::string(setting) + ": the value is not valid UTF-8 text; write a value such as " +
                       std::string(found->spec->example));
  }
  auto value = model::parseValue(*found->spec, text);
  if (!value) return problem(place, text, std::string(setting) + ": " + value.error().message);
  if (!place.container.empty() && model::isPodWide(*found)) return podWide(place, *found, text);
  if (found->spec->target == model::Target::Plimsoll) return takeSteering(place, *found, *value);
  addRequest(place, model::Request{*std::move(found), std::string(text), *std::move(value), place.source});
}

void Collector::unknownKey(const Place& place, std::string_view setting, std::string_view text) {
  if (full()) return problem(place, text, "");
  const std::string shown = model::inQuotes(setting);
  if (setting.empty()) return problem(place, text, "a setting's name is missing, such as cpu.weight");
  if (std::string why = model::whyNoSetting(setting); !why.empty())
    return problem(place, text, plainText(why));
  auto near = model::nearestSettingKey(setting);
  if (!near) return problem(place, text, shown + " is not a setting; docs/annotations.md lists them all");
  std::string message = shown + " is not a setting" + known(*near);
  problem(place, text, std::move(message), *std::move(near));
}

void Collector::podWide(const Place& place, const SettingKey& setting, std::string_view text) {
  const model::ActsIn where = model::actsIn(setting);
  const bool network = where == model::ActsIn::NetworkNamespace;
  const std::string right = std::string(model::kAnnotationDomain) + "/" + setting.key;
  if (where == model::ActsIn::PodTraffic) {
    return problem(place, text, "this is of the pod's containers together; write " + right, right);
  }
  problem(place, text,
          std::string("a pod has one ") + (network ? "network" : "IPC") +
              " namespace for all its containers; write " + right,
          right);
}

void Collector::givenTwice(const Place& place, std::string_view value, std::string_view first_value,
                           std::string_view first_where) {
  problem(place, value,
          "given twice: " + model::inQuotes(first_value) + " in " + plainText(first_where) +
              ", which counts, and " + model::inQuotes(value) + " here");
}

void Collector::takeSteering(const Place& place, const SettingKey& setting, const Value& value) {
  const std::string& word = std::get<model::Word>(value).word;
  model::ScopeIntent& target = scope(place.container);
  if (setting.key == model::kClassKey) {
    if (target.class_name && *target.class_name != word) {
      return givenTwice(place, word, *target.class_name, target.class_source.where);
    }
    if (target.class_name) return;
    target.class_name = word;
    target.class_source = place.source;
  } else if (setting.key == model::kOnErrorKey) {
    const auto wanted = word == "reject" ? model::OnError::Reject : model::OnError::Ignore;
    if (target.on_error && *target.on_error != wanted) {
      return givenTwice(place, word, word == "reject" ? "ignore" : "reject", "another place");
    }
    target.on_error = wanted;
  } else {
    problem(place, word, "a policy document cannot hold another one");
  }
}

void Collector::addRequest(const Place& place, model::Request request) {
  std::vector<model::Request>& requests = scope(place.container).requests;
  // An annotation of others and one of ours may say different things: ours is the more specific.
  const auto foreign = [](const model::Request& r) {
    return r.source.kind == model::SourceKind::ForeignAnnotation;
  };
  const auto same = [&](const model::Request& r) {
    return r.setting.key == request.setting.key && foreign(r) == foreign(request);
  };
  const auto first = std::find_if(requests.begin(), requests.end(), same);
  if (first == requests.end()) {
    requests.push_back(std::move(request));
  } else if (first->value != request.value) {
    givenTwice(place, request.raw, first->raw, first->source.where);
  }
}

}  // namespace plimsoll::annotation
