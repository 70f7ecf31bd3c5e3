// What a pod asks, as parsed from its annotations: plain values, nothing decided yet.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/model/setting.h"
#include "pkg/model/value.h"

namespace plimsoll::model {

// Where a wish comes from, the most specific first. Of two for one setting the more specific wins.
enum class SourceKind {
  ContainerAnnotation,  // app.plimsoll.dev/cpu.weight
  ContainerPolicy,      // containers.app of plimsoll.dev/policy
  PodAnnotation,        // plimsoll.dev/cpu.weight
  PodPolicy,            // settings of plimsoll.dev/policy
  ForeignAnnotation,    // kubernetes.io/egress-bandwidth and the like
  Class,                // the class's bundle
  NodeDefault,          // defaults of the node's configuration
};

struct Source {
  SourceKind kind = SourceKind::PodAnnotation;
  std::string
      where;  // full annotation key; for policy documents with the line ("plimsoll.dev/policy:7"); class name
};

struct Request {
  SettingKey setting;
  std::string raw;  // as the user wrote it
  Value value;
  Source source;
};

// A thing the user got wrong, with all that is needed to put it right.
struct Problem {
  std::string container;   // empty: pod-wide
  std::string key;         // full annotation key, or document key
  std::string value;       // as written, cut to 256 bytes
  std::string message;     // what is wrong and what would be right
  std::string suggestion;  // nearest known key or word; empty: none
  Source source;
};

enum class OnError { Ignore, Reject };

// One scope's wishes: the pod's, or one container's.
struct ScopeIntent {
  std::optional<std::string> class_name;
  Source class_source;
  std::optional<OnError> on_error;
  std::vector<Request> requests;  // at most one per concrete key and source kind
};

// Parsed once per pod, used for each of its containers.
struct PodIntent {
  ScopeIntent pod;
  std::map<std::string, ScopeIntent, std::less<>> containers;
  std::vector<Problem> problems;

  bool empty() const {
    return pod.requests.empty() && !pod.class_name && containers.empty() && problems.empty();
  }
};

}  // namespace plimsoll::model
