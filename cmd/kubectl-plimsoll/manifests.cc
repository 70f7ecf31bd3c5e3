#include "cmd/kubectl-plimsoll/manifests.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <system_error>

namespace plimsoll::cli {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr size_t kMaxManifestBytes = 8 << 20;

bool isManifest(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Result<std::vector<std::string>> expand(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::error_code error;
    if (name == "-" || !fs::is_directory(name, error)) {
      files.push_back(name);
      continue;
    }
    const size_t before = files.size();
    fs::recursive_directory_iterator walk(name, error), end;
    for (; !error && walk != end; walk.increment(error)) {
      std::error_code ignored;
      if (isManifest(walk->path()) && walk->is_regular_file(ignored)) files.push_back(walk->path().string());
    }
    if (error) return base::invalidArgument("read directory " + name + ": " + error.message());
    if (files.size() == before) return base::invalidArgument("no .yaml, .yml or .json file in " + name);
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  return files;
}

Result<std::string> readAll(std::istream& stream, const std::string& name) {
  std::string text(kMaxManifestBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad()) return base::invalidArgument("cannot read " + name);
  if (text.size() > kMaxManifestBytes) return base::invalidArgument(name + " is larger than 8 MiB");
  return text;
}

Result<std::string> readManifest(const std::string& name, std::istream& in) {
  if (name == "-") return readAll(in, "standard input");
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    return base::errnoError(errno, "open " + name);
  }
  return readAll(file, name);
}

}  // namespace

Result<std::vector<Manifest>> readManifests(const std::vector<std::string>& names, std::istream& in) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, expand(names));
  std::vector<Manifest> manifests;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(std::string text, readManifest(file, in));
    manifests.push_back({file == "-" ? "<stdin>" : file, std::move(text)});
  }
  return manifests;
}

}  // namespace plimsoll::cli
