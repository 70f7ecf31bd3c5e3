#include "pkg/annotation/strict_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace plimsoll::annotation::yaml {
namespace {

// Leaves the library's event loop from within a handler; never leaves this file.
struct Refused {
  int line;
  std::string message;
};

std::string atLine(int line, const std::string& message) {
  return "line " + std::to_string(line) + ": " + message;
}

std::string shortened(std::string_view text) {
  constexpr size_t kLimit = 64;
  if (text.size() <= kLimit) return std::string(text);
  return std::string(text.substr(0, kLimit)) + "...";
}

// Builds one document's tree from the library's events.
class Builder : public YAML::EventHandler {
 public:
  // `nodes` and `bytes` count over all documents of a stream.
  Builder(const Options& options, size_t& nodes, size_t& bytes)
      : options_(options), nodes_(nodes), bytes_(bytes) {}

  Node take() { return std::move(root_); }

  // Where the document starts, in characters.
  int position() const { return position_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    root_.line = mark.line + 1;
    position_ = mark.pos;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuseAnchor(mark, anchor);
    Node node;
    node.line = mark.line + 1;
    put(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const int line = mark.line + 1;
    if (!options_.allow_anchors) {
      throw Refused{line, "aliases (*name) are not taken here; write the value out"};
    }
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{line, "this alias stands inside of what it names"};
    Node copy = copyOf(found->second, line, static_cast<int>(stack_.size()));
    put(std::move(copy), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuseAnchor(mark, anchor);
    // The library gives "?" for a plain scalar and "!" for a quoted one.
    if (tag != "?" && tag != "!") refuseTag(mark, tag);
    Node node;
    node.kind = Node::Kind::Scalar;
    node.line = mark.line + 1;
    node.text = value;
    node.quoted = tag == "!";
    put(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::Sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::Map, mark, tag, anchor);
  }
  void OnMapEnd() override {
    Frame& frame = stack_.back();
    refuseDuplicates(frame.node);
    if (options_.allow_anchors) merge(frame.node);
    close();
  }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Entry> pending;  // a map's key that waits for its value
  };

  void refuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0 && !options_.allow_anchors) {
      throw Refused{mark.line + 1, "anchors (&name) are not taken here; write the value out"};
    }
  }

  [[noreturn]] static void refuseTag(const YAML::Mark& mark, const std::string& tag) {
    throw Refused{mark.line + 1, "the tag " + shortened(tag) + " is not taken; write the value without one"};
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuseAnchor(mark, anchor);
    if (!tag.empty() && tag != "?") refuseTag(mark, tag);
    const int line = mark.line + 1;
    if (static_cast<int>(stack_.size()) >= options_.max_depth) {
      throw Refused{line, "nested deeper than " + std::to_string(options_.max_depth) + " levels"};
    }
    if (!stack_.empty() && stack_.back().node.isMap() && !stack_.back().pending) {
      throw Refused{line, "a mapping's key must be text"};
    }
    count(line, 1, 0);
    stack_.emplace_back();
    stack_.back().node.kind = kind;
    stack_.back().node.line = line;
    stack_.back().anchor = anchor;
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    place(std::move(frame.node), frame.anchor);
  }

  void put(Node node, YAML::anchor_t anchor) {
    count(node.line, 1, node.text.size());
    place(std::move(node), anchor);
  }

  // Puts a finished node where it belongs: the root, a sequence's item, a map's key or value.
  void place(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.isSequence()) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.pending) {
      if (!node.isScalar()) throw Refused{node.line, "a mapping's key must be text"};
      frame.pending = Entry{std::move(node.text), node.line, {}};
    } else {
      // The library marks an absent value at the token after it.
      if (node.isNull()) node.line = frame.pending->line;
      frame.pending->value = std::move(node);
      frame.node.entries.push_back(*std::move(frame.pending));
      frame.pending.reset();
    }
  }

  void count(int line, size_t nodes, size_t bytes) {
    nodes_ += nodes;
    bytes_ += bytes;
    if (nodes_ > options_.max_nodes || bytes_ > 4 * options_.max_bytes) {
      throw Refused{line, "more than " + std::to_string(options_.max_nodes) + " values, or too much text"};
    }
  }

  // Counted before it is copied, so that a chain of aliases costs no more than the bound.
  Node copyOf(const Node& node, int line, int depth) {
    if (depth > options_.max_depth) {
      throw Refused{line, "nested deeper than " + std::to_string(options_.max_depth) + " levels"};
    }
    Node copy;
    copy.kind = node.kind;
    copy.line = line;
    copy.text = node.text;
    copy.quoted = node.quoted;
    for (const Node& item : node.items) {
      count(line, 1, item.text.size());
      copy.items.push_back(copyOf(item, line, depth + 1));
    }
    for (const Entry& entry : node.entries) {
      count(line, 1, entry.key.size() + entry.value.text.size());
      copy.entries.push_back(Entry{entry.key, line, copyOf(entry.value, line, depth + 1)});
    }
    return copy;
  }

  static void refuseDuplicates(const Node& map) {
    std::unordered_map<std::string_view, int> lines;
    for (const Entry& entry : map.entries) {
      auto [first, fresh] = lines.emplace(entry.key, entry.line);
      if (fresh) continue;
      throw Refused{entry.line, "the key " + shortened(entry.key) +
                                    " stands here a second time (first in line " +
                                    std::to_string(first->second) + ")"};
    }
  }

  // "<<: *base" or "<<: [*a, *b]": keys of the merged maps that the map itself does not have.
  void merge(Node& map) {
    auto it =
        std::find_if(map.entries.begin(), map.entries.end(), [](const Entry& e) { return e.key == "<<"; });
    if (it == map.entries.end() || !(it->value.isMap() || it->value.isSequence())) return;
    Entry merged = std::move(*it);
    map.entries.erase(it);
    std::vector<Node> sources;
    if (merged.value.isMap()) {
      sources.push_back(std::move(merged.value));
    } else {
      sources = std::move(merged.value.items);
    }
    std::map<std::string, bool, std::less<>> known;
    for (const Entry& entry : map.entries) known.emplace(entry.key, true);
    for (Node& source : sources) {
      if (!source.isMap()) throw Refused{merged.line, "what << merges must be mappings"};
      for (Entry& entry : source.entries) {
        if (known.emplace(entry.key, true).second) map.entries.push_back(std::move(entry));
      }
    }
  }

  const Options& options_;
  size_t& nodes_;
  size_t& bytes_;
  Node root_;
  int position_ = 0;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Node> anchors_;
};

// YAML's printable characters; the library would take a NUL for the end of the text or for UTF-16.
std::optional<int> lineOfControlCharacter(std::string_view text) {
  int line = 1;
  for (unsigned char c : text) {
    if (c == '\n') ++line;
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) return line;
  }
  return std::nullopt;
}

base::Status checkText(std::string_view text, const Options& options) {
  if (text.size() > options.max_bytes) {
    return base::invalidArgument("the document has " + std::to_string(text.size()) + " bytes; at most " +
                                 std::to_string(options.max_bytes) + " are taken");
  }
  if (!isUtf8(text)) return base::invalidArgument("the document is not valid UTF-8 text");
  if (auto line = lineOfControlCharacter(text)) {
    return base::invalidArgument(atLine(*line, "a control character is not text"));
  }
  return base::ok();
}

base::Result<std::vector<Node>> parseDocuments(std::string_view text, const Options& options, size_t limit) {
  RETURN_IF_ERROR(checkText(text, options));
  std::vector<Node> documents;
  size_t nodes = 0, bytes = 0;
  try {
    // The library takes "a: 'open" for a closed scalar when a line end follows; an end of document within
    // quotes it does refuse.
    std::istringstream stream(std::string(text) + "\n...\n");
    YAML::Parser parser(stream);
    int last_position = -1;
    while (true) {
      Builder builder(options, nodes, bytes);
      if (!parser.HandleNextDocument(builder)) break;
      Node node = builder.take();
      // The library gives a stray "," as an empty document, over and over.
      if (builder.position() <= last_position) {
        return base::invalidArgument(atLine(node.line, "not valid YAML: unexpected character"));
      }
      last_position = builder.position();
      if (documents.size() >= limit) {
        return base::invalidArgument(atLine(node.line, "a second document starts here; one is taken"));
      }
      documents.push_back(std::move(node));
    }
  } catch (const Refused& refused) {
    return base::invalidArgument(atLine(refused.line, refused.message));
  } catch (const YAML::Exception& e) {
    if (e.msg == YAML::ErrorMsg::DOC_IN_SCALAR)
      return base::invalidArgument("a quote is opened and not closed");
    return base::invalidArgument(atLine(e.mark.line + 1, "not valid YAML: " + e.msg));
  } catch (const std::exception& e) {
    return base::invalidArgument(std::string("not valid YAML: ") + e.what());
  }
  return documents;
}

// Length of the well-formed sequence at the start of `text`; 0: there is none. Table 3-7 of the Unicode
// standard.
size_t sequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto in = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (in(lead, 0xc2, 0xdf)) return in(byte(1), 0x80, 0xbf) ? 2 : 0;
  if (in(lead, 0xe0, 0xef)) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
    return in(byte(1), low, high) && in(byte(2), 0x80, 0xbf) ? 3 : 0;
  }
  if (in(lead, 0xf0, 0xf4)) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
    return in(byte(1), low, high) && in(byte(2), 0x80, 0xbf) && in(byte(3), 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

const Node* Node::at(std::initializer_list<std::string_view> path) const {
  const Node* node = this;
  for (std::string_view key : path) {
    node = node->find(key);
    if (node == nullptr) return nullptr;
  }
  return node;
}

std::string_view kindName(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Scalar:
      return "text";
    case Node::Kind::Sequence:
      return "a list";
    case Node::Kind::Map:
      return "a mapping";
  }
  return "nothing";
}

base::Result<Node> parse(std::string_view text, const Options& options) {
  ASSIGN_OR_RETURN(std::vector<Node> documents, parseDocuments(text, options, 1));
  if (documents.empty()) return Node{};
  return std::move(documents.front());
}

base::Result<std::vector<Node>> parseAll(std::string_view text, const Options& options) {
  return parseDocuments(text, options, SIZE_MAX);
}

bool isUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = sequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace plimsoll::annotation::yaml
