// Gathers one pod's wishes and problems while its annotations and documents are read. Internal to
// pkg/annotation.
#pragma once

#include <string>
#include <string_view>

#include "pkg/model/intent.h"

namespace plimsoll::annotation {

// Where a value stands.
struct Place {
  std::string_view container;  // empty: pod-wide
  std::string key;             // full annotation key, or the path in a document ("settings.cpu.weight")
  model::Source source;
};

class Collector {
 public:
  // One setting's text, for the scope that `place` names.
  void take(const Place& place, std::string_view setting, std::string_view text);

  // `message` without the key; `suggestion` may be empty.
  void problem(const Place& place, std::string_view value, std::string message, std::string suggestion = {});

  // Once full, problems are only counted: whoever looks for suggestions may stop.
  bool full() const;

  model::PodIntent finish() &&;

 private:
  model::ScopeIntent& scope(std::string_view container);
  void takeSteering(const Place& place, const model::SettingKey& setting, const model::Value& value);
  void podWide(const Place& place, const model::SettingKey& setting, std::string_view text);
  void unknownKey(const Place& place, std::string_view setting, std::string_view text);
  void addRequest(const Place& place, model::Request request);
  // True: the scope has it already, from the same or a more specific source. Told when the values differ.
  void givenTwice(const Place& place, std::string_view value, std::string_view first_value,
                  std::string_view first_where);

  model::PodIntent intent_;
  size_t dropped_ = 0;
};

// Text for people and protocols: bytes that are no UTF-8 text, and control characters, become \xNN; cut at
// about `limit` bytes.
std::string plainText(std::string_view text, size_t limit = 256);

// A container's name: a DNS label (RFC 1123).
bool isContainerName(std::string_view name);

}  // namespace plimsoll::annotation
