// plimsoll-docgen [--check] ROOT: writes ROOT/docs/annotations.md and the settings table within
// ROOT/README.md from the settings table, and the lists within ROOT/docs/metrics.md; with --check only says
// whether they are current (exit code 1: not).
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "pkg/annotation/annotation.h"
#include "pkg/metrics/families.h"
#include "tests/docs/annotations_page.h"

namespace plimsoll::docs {
namespace {

constexpr std::string_view kBegin = "<!-- settings:begin -->\n";
constexpr std::string_view kEnd = "<!-- settings:end -->";

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// True: the file holds `text` now.
bool settle(const std::string& path, const std::string& text, bool check) {
  if (readFile(path) == text) return true;
  if (check) {
    std::fprintf(stderr, "%s differs from its table; `make docs` writes it anew\n", path.c_str());
    return false;
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  std::printf("wrote %s\n", path.c_str());
  return file.good();
}

// README's text with the table between its markers; empty: it has no markers.
std::string withTable(const std::string& readme) {
  const size_t begin = readme.find(kBegin);
  const size_t end = begin == std::string::npos ? begin : readme.find(kEnd, begin);
  if (end == std::string::npos) return "";
  return readme.substr(0, begin + kBegin.size()) + readmeTable() + readme.substr(end);
}

// The page with `list` between "<!-- NAME:begin -->" and "<!-- NAME:end -->"; empty: it has no such markers.
std::string withList(const std::string& page, const std::string& name, const std::string& list) {
  const std::string head = "<!-- " + name + ":begin -->\n", tail = "<!-- " + name + ":end -->";
  const size_t begin = page.find(head), end = page.find(tail);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  return page.substr(0, begin + head.size()) + list + page.substr(end);
}

bool settleMetrics(const std::string& path, bool check) {
  std::string page = withList(readFile(path), "metrics", metrics::familiesTable(false));
  page = withList(page, "container-metrics", metrics::familiesTable(true));
  if (!page.empty()) return settle(path, page, check);
  std::fprintf(stderr, "%s has lost its markers\n", path.c_str());
  return false;
}

bool exampleIsRight() {
  const auto intent = annotation::parsePod({{"plimsoll.dev/policy", kExampleDocument}});
  for (const model::Problem& problem : intent.problems) {
    std::fprintf(stderr, "the page's example is wrong: %s\n", problem.message.c_str());
  }
  return intent.problems.empty() && !intent.empty();
}

int run(const std::string& root, bool check) {
  bool good = exampleIsRight();
  good = settle(root + "/docs/annotations.md", annotationsPage(), check) && good;
  good = settleMetrics(root + "/docs/metrics.md", check) && good;
  const std::string path = root + "/README.md", readme = readFile(path), wanted = withTable(readme);
  if (wanted.empty()) {
    std::fprintf(stderr, "%s has no line %.*s\n", path.c_str(), static_cast<int>(kBegin.size() - 1),
                 kBegin.data());
    return 1;
  }
  return settle(path, wanted, check) && good ? 0 : 1;
}

}  // namespace
}  // namespace plimsoll::docs

int main(int argc, char** argv) {
  const bool check = argc > 1 && std::string_view(argv[1]) == "--check";
  if (argc != (check ? 3 : 2)) {
    std::fprintf(stderr, "usage: plimsoll-docgen [--check] ROOT\n");
    return 2;
  }
  return plimsoll::docs::run(argv[argc - 1], check);
}
