#include "pkg/annotation/annotation.h"

#include <algorithm>

#include "pkg/annotation/collector.h"
#include "pkg/annotation/policy_document.h"
#include "pkg/model/quantity.h"

namespace plimsoll::annotation {
namespace {

using model::kAnnotationDomain;
using model::SourceKind;

// "app" of "app.plimsoll.dev", "" of "plimsoll.dev"; nullopt: a prefix of others.
std::optional<std::string_view> containerOf(std::string_view prefix) {
  if (!prefix.ends_with(kAnnotationDomain)) return std::nullopt;
  prefix.remove_suffix(kAnnotationDomain.size());
  if (prefix.empty()) return prefix;
  if (prefix.back() != '.') return std::nullopt;
  prefix.remove_suffix(1);
  return prefix;
}

// The two last labels of a prefix and what stands before them: "app" and "plimsol.dev".
struct Domain {
  std::string_view before, label, domain;
};
Domain domainOf(std::string_view prefix) {
  const size_t last = prefix.rfind('.');
  if (last == std::string_view::npos) return {{}, prefix, prefix};
  const size_t dot = last == 0 ? std::string_view::npos : prefix.rfind('.', last - 1);
  if (dot == std::string_view::npos) return {{}, prefix.substr(0, last), prefix};
  return {prefix.substr(0, dot), prefix.substr(dot + 1, last - dot - 1), prefix.substr(dot + 1)};
}

// "plimsol.dev", "plimsoll.io", "app.pilmsoll.dev": ours, but for a slip.
bool isNearMiss(std::string_view prefix) {
  static constexpr std::string_view kOurs[] = {"plimsoll"};
  const Domain domain = domainOf(prefix);
  if (domain.label.size() < 6 || domain.label.size() > 10) return false;
  return model::nearest(domain.label, kOurs).has_value();
}

void nearMiss(std::string_view key, std::string_view prefix, std::string_view name, std::string_view value,
              Collector& collector) {
  const Domain domain = domainOf(prefix);
  std::string right(domain.before);
  right.append(right.empty() ? "" : ".").append(kAnnotationDomain).append("/").append(name);
  collector.problem({{}, std::string(key), {SourceKind::PodAnnotation, plainText(key)}}, value,
                    "the domain " + model::inQuotes(domain.domain) +
                        " looks like a slip and is not read; write " + plainText(right),
                    plainText(right));
}

struct Document {
  Place place;
  std::string_view text;
};

class PodReader {
 public:
  void read(std::string_view key, std::string_view value) {
    const size_t slash = key.find('/');
    if (slash == std::string_view::npos) return;
    for (const model::ForeignAnnotation& foreign : model::foreignAnnotations()) {
      if (foreign.annotation == key)
        return collector_.take({{}, std::string(key), {SourceKind::ForeignAnnotation, std::string(key)}},
                               foreign.key, value);
    }
    const std::string_view prefix = key.substr(0, slash), name = key.substr(slash + 1);
    auto container = containerOf(prefix);
    if (!container) {
      if (isNearMiss(prefix)) nearMiss(key, prefix, name, value, collector_);
      return;
    }
    const auto kind = container->empty() ? SourceKind::PodAnnotation : SourceKind::ContainerAnnotation;
    Place place{*container, std::string(key), {kind, plainText(key)}};
    if (!container->empty() && !isContainerName(*container)) {
      return collector_.problem(place, value,
                                model::inQuotes(*container) +
                                    " cannot be a container's name; write <container>.plimsoll.dev/" +
                                    plainText(name, 64));
    }
    if (name == model::kPolicyKey) {
      documents_.push_back(Document{std::move(place), value});
    } else {
      collector_.take(place, name, value);
    }
  }

  // Documents come after the single settings, which win over them; a container's own before the pod's.
  model::PodIntent finish() && {
    std::stable_partition(documents_.begin(), documents_.end(),
                          [](const Document& d) { return !d.place.container.empty(); });
    for (const Document& document : documents_) readPolicyDocument(document.place, document.text, collector_);
    return std::move(collector_).finish();
  }

 private:
  Collector collector_;
  std::vector<Document> documents_;
};

void append(std::vector<const model::Request*>& out, const model::ScopeIntent& scope) {
  for (const model::Request& request : scope.requests) out.push_back(&request);
}

const model::ScopeIntent* scopeOf(const model::PodIntent& intent, std::string_view container) {
  auto it = intent.containers.find(container);
  return it == intent.containers.end() ? nullptr : &it->second;
}

}  // namespace

model::PodIntent parsePod(const model::StringMap& annotations) {
  PodReader reader;
  for (const auto& [key, value] : annotations) reader.read(key, value);
  return std::move(reader).finish();
}

std::vector<const model::Request*> mergedRequests(const model::PodIntent& intent,
                                                  std::string_view container) {
  std::vector<const model::Request*> requests;
  if (const auto* scope = scopeOf(intent, container)) append(requests, *scope);
  append(requests, intent.pod);
  std::stable_sort(requests.begin(), requests.end(), [](const model::Request* a, const model::Request* b) {
    if (a->setting.key != b->setting.key) return a->setting.key < b->setting.key;
    return a->source.kind < b->source.kind;
  });
  return requests;
}

std::optional<std::string_view> className(const model::PodIntent& intent, std::string_view container) {
  const auto* scope = scopeOf(intent, container);
  if (scope != nullptr && scope->class_name) return *scope->class_name;
  if (intent.pod.class_name) return *intent.pod.class_name;
  return std::nullopt;
}

std::optional<model::OnError> onError(const model::PodIntent& intent, std::string_view container) {
  const auto* scope = scopeOf(intent, container);
  return scope != nullptr && scope->on_error ? scope->on_error : intent.pod.on_error;
}

std::vector<model::Problem> unknownContainers(const model::PodIntent& intent,
                                              const std::vector<std::string>& names) {
  std::vector<model::Problem> problems;
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const auto& [container, scope] : intent.containers) {
    if (std::find(known.begin(), known.end(), container) != known.end()) continue;
    if (problems.size() >= kMostProblems) break;
    model::Problem problem;
    problem.container = container;
    problem.source = scope.requests.empty() ? scope.class_source : scope.requests.front().source;
    problem.key = problem.source.where.empty() ? container : problem.source.where;
    problem.message = "the pod has no container named " + model::inQuotes(container);
    if (auto near = model::nearest(container, known)) {
      problem.suggestion = *near;
      problem.message += "; did you mean " + problem.suggestion + "?";
    }
    problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace plimsoll::annotation
