// YAML as configuration should be read: a plain tree of scalars, sequences and maps with line numbers, and a
// refusal with the reason for everything that two readers might take differently or that can hurt the reader:
// duplicate keys, anchors and aliases, tags, several documents, bytes that are not UTF-8, deep nesting, too
// much text. No type is guessed: a scalar is its text, and `quoted` tells "010" from 010.
//
// The one place that knows the YAML library; nothing is thrown out of it. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::annotation::yaml {

struct Entry;

struct Node {
  enum class Kind { Null, Scalar, Sequence, Map };
  Kind kind = Kind::Null;
  int line = 1;         // of the document's text, from 1
  std::string text;     // Scalar
  bool quoted = false;  // Scalar: in quotes, or a block scalar
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the order of the text; keys are unique

  bool isNull() const { return kind == Kind::Null; }
  bool isScalar() const { return kind == Kind::Scalar; }
  bool isSequence() const { return kind == Kind::Sequence; }
  bool isMap() const { return kind == Kind::Map; }
  // The value of a map's key; nullptr: there is none, or this is no map.
  const Node* find(std::string_view key) const;
  // As above, along a path of keys: at({"spec", "template"}).
  const Node* at(std::initializer_list<std::string_view> path) const;
};

struct Entry {
  std::string key;
  int line = 1;
  Node value;
};

// "a mapping", "a list", "text", "nothing": for messages.
std::string_view kindName(const Node& node);

struct Options {
  size_t max_bytes = 64 * 1024;
  int max_depth = 32;
  size_t max_nodes = 200'000;  // aliases counted as often as they are used
  // Manifests: kubectl takes anchors, aliases and merge keys ("<<"), so lint does too, expanded and bounded.
  bool allow_anchors = false;
};

// Error messages are of the form "line 7: the key cpu.weight stands here a second time (first in line 3)".
// Text without a document is a Null node.
base::Result<Node> parse(std::string_view text, const Options& options = {});

// Every document of a stream separated by "---".
base::Result<std::vector<Node>> parseAll(std::string_view text, const Options& options = {});

// Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool isUtf8(std::string_view text);

}  // namespace plimsoll::annotation::yaml
