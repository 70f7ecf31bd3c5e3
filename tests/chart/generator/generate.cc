// plimsoll-deploygen --examples: prints every setting with its example, KEY<tab>VALUE a line.
// plimsoll-deploygen [--check] ROOT: writes what the chart has from the agent's own tables,
// ROOT/charts/plimsoll/files/ {profiles,admission}.yaml; with --check only says whether they are current
// (exit code 1: not).
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "pkg/model/setting.h"
#include "tests/chart/generator/admission.h"
#include "tests/chart/generator/profiles.h"

namespace plimsoll::deploy {
namespace {

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

int run(const std::string& root, bool check) {
  const std::string files = root + "/charts/plimsoll/files/";
  bool good = settle(files + "profiles.yaml", profilesFile(), check);
  good = settle(files + "admission.yaml", admissionFile(), check) && good;
  return good ? 0 : 1;
}

void printExamples() {
  for (const model::SettingSpec& spec : model::settingsTable()) {
    for (const std::string& key : model::concreteKeys(spec))
      std::printf("%s\t%.*s\n", key.c_str(), static_cast<int>(spec.example.size()), spec.example.data());
  }
}

}  // namespace
}  // namespace plimsoll::deploy

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--examples") {
    plimsoll::deploy::printExamples();
    return 0;
  }
  const bool check = argc > 1 && std::string_view(argv[1]) == "--check";
  if (argc != (check ? 3 : 2)) {
    std::fprintf(stderr, "usage: plimsoll-deploygen [--check] ROOT | --examples\n");
    return 2;
  }
  return plimsoll::deploy::run(argv[argc - 1], check);
}
