#include "pkg/annotation/strict_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::annotation::yaml {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// "map{key@line: value}", so that a whole tree is one expectation.
std::string show(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Node::Kind::Null:
      return "null";
    case Node::Kind::Scalar:
      return node.quoted ? "'" + node.text + "'" : node.text;
    case Node::Kind::Sequence:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + show(item);
      return "[" + out + "]";
    case Node::Kind::Map:
      for (const Entry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + entry.key + "@" + std::to_string(entry.line) + ": " +
               show(entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

TEST(StrictYaml, ReadsTreesWithLines) {
  struct Case {
    std::string text, tree;
  };
  const Case cases[] = {
      {"", "null"},
      {"# only a comment\n", "null"},
      {"a: 1\nb:\n  c: [x, 'y', \"010\", 010]\n", "{a@1: 1, b@2: {c@3: [x, 'y', '010', 010]}}"},
      {"cpu.weight: 200\n\nempty:\ntilde: ~\n", "{cpu.weight@1: 200, empty@3: null, tilde@4: null}"},
      {"- a\n- {b: c}\n", "[a, {b@2: c}]"},
      {"---\na: b\n...\n", "{a@2: b}"},
      {"yes", "yes"},
      {"text: |\n  one\n  two\n", "{text@1: 'one\ntwo\n'}"},
      {"\xef\xbb\xbf"
       "a: b\n",
       "{a@1: b}"},
      {"k: caf\xc3\xa9\n", "{k@1: caf\xc3\xa9}"},
  };
  for (const Case& c : cases) {
    auto node = parse(c.text);
    ASSERT_TRUE(node) << c.text << ": " << node.error().message;
    EXPECT_EQ(show(*node), c.tree) << c.text;
  }
}

TEST(StrictYaml, RefusesWithLineAndReason) {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"a: 1\nb: 2\na: 3\n", "line 3: the key a stands here a second time (first in line 1)"},
      {"x:\n  a: 1\n  a: 1\n", "line 3: the key a stands here a second time"},
      {"{a: 1, 'a': 2}", "line 1: the key a stands here a second time"},
      {"a: &x 1\n", "line 1: anchors (&name) are not taken"},
      {"a: &x [1]\n", "line 1: anchors (&name) are not taken"},
      {"a: 1\nb: &x {c: 1}\n", "line 2: anchors (&name) are not taken"},
      {"a: &x\n", "anchors (&name) are not taken"},
      {"a: *x\n", "line 1"},
      {"a: !!int 3\n", "line 1: the tag tag:yaml.org,2002:int is not taken"},
      {"a: !mine {b: c}\n", "line 1: the tag !mine is not taken"},
      {"a: 1\n---\nb: 2\n", "a second document starts here"},
      {"? [a]\n: b\n", "line 1: a mapping's key must be text"},
      {"? {a: b}\n: c\n", "line 1: a mapping's key must be text"},
      {"~: b\n", "line 1: a mapping's key must be text"},
      {"a: [1, 2\n", "not valid YAML"},
      {"a: 'open\n", "a quote is opened and not closed"},
      {"a: \"open\n\nb: c\n", "a quote is opened and not closed"},
      {"a: 'open", "a quote is opened and not closed"},
      {"\ta: b\n", "not valid YAML"},
      {"a: b: c\n", "not valid YAML"},
      {std::string("a: b\0c\n", 7), "line 1: a control character is not text"},
      {"a: b\nc: \x01\n", "line 2: a control character is not text"},
      {"a: \xff\n", "not valid UTF-8"},
      {"a: \xc0\xaf\n", "not valid UTF-8"},
      {"a: \xed\xa0\x80\n", "not valid UTF-8"},
      {"a: \xf4\x90\x80\x80\n", "not valid UTF-8"},
      {"a: \xe2\x82", "not valid UTF-8"},
      {repeated("[", 40) + repeated("]", 40), "line 1: nested deeper than 32 levels"},
      {repeated("[", 60000), "line 1: "},
      {repeated("{a: ", 15000), "line 1: "},
      {repeated("- ", 30000), "nested deeper than 32 levels"},
      {std::string(64 * 1024 + 1, 'a'), "the document has 65537 bytes; at most 65536 are taken"},
  };
  for (const Case& c : cases) {
    auto node = parse(c.text);
    ASSERT_FALSE(node) << c.text.substr(0, 100);
    EXPECT_THAT(node.error().message, HasSubstr(c.message)) << c.text.substr(0, 100);
    EXPECT_EQ(node.error().code, base::ErrorCode::InvalidArgument);
  }
}

TEST(StrictYaml, TakesADocumentOfExactlyTheLimit) {
  const std::string text = "a: " + std::string(64 * 1024 - 3, 'b');
  auto node = parse(text);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(node->find("a")->text.size(), 64u * 1024 - 3);
}

TEST(StrictYaml, FindsAlongPaths) {
  auto node = parse("a:\n  b:\n    c: 7\n");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->at({"a", "b", "c"})->text, "7");
  EXPECT_EQ(node->at({"a", "x", "c"}), nullptr);
  EXPECT_EQ(node->at({"a", "b", "c", "d"}), nullptr);
  EXPECT_EQ(node->find("b"), nullptr);
}

TEST(StrictYaml, ReadsStreamsOfDocuments) {
  auto documents = parseAll("a: 1\n---\nb: 2\n---\n---\n- c\n");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 4u);
  EXPECT_EQ(show((*documents)[0]), "{a@1: 1}");
  EXPECT_EQ(show((*documents)[1]), "{b@3: 2}");
  EXPECT_EQ(show((*documents)[2]), "null");
  EXPECT_EQ(show((*documents)[3]), "[c]");
  EXPECT_FALSE(parseAll("a: 1\n---\nb: [\n"));
  for (std::string_view stuck : {",", "a: 1\n---\n,", ", a"}) {
    auto refused = parseAll(stuck);
    ASSERT_FALSE(refused) << stuck;
    EXPECT_THAT(refused.error().message, HasSubstr("not valid YAML")) << stuck;
  }
}

TEST(StrictYaml, ExpandsAnchorsWhereAllowed) {
  const Options options{.allow_anchors = true};
  auto node = parse("base: &b {x: 1, y: 2}\nuse: *b\nmerged:\n  <<: *b\n  y: 3\n", options);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(show(*node), "{base@1: {x@1: 1, y@1: 2}, use@2: {x@2: 1, y@2: 2}, merged@3: {y@5: 3, x@4: 1}}");
  EXPECT_FALSE(parse("a: &a [*a]\n", options));
  EXPECT_FALSE(parse("a: *nowhere\n", options));
  EXPECT_FALSE(parse("b: &b 1\nm:\n  <<: [*b]\n", options));
}

TEST(StrictYaml, BoundsAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 8; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  auto plain = parse(bomb);
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error().message, StartsWith("line 1: anchors"));
  auto expanded = parse(bomb, {.allow_anchors = true});
  ASSERT_FALSE(expanded);
  EXPECT_THAT(expanded.error().message, HasSubstr("more than 200000 values"));

  std::string wide = "a: &a " + std::string(60'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) wide += "*a,";
  auto text = parse(wide + "]\n", {.allow_anchors = true});
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("too much text"));
}

TEST(StrictYaml, EveryCutOfADocumentIsReadOrRefused) {
  const std::string text = "class: \"a\"\nsettings:\n  cpu: {weight: 200}\n  io.max: |\n    8:0 rbps=1M\n";
  for (size_t i = 0; i <= text.size(); ++i) {
    auto node = parse(text.substr(0, i));
    EXPECT_TRUE(node || !node.error().message.empty()) << i;
  }
}

}  // namespace
}  // namespace plimsoll::annotation::yaml
