// Manifests named on the command line: files, directories, standard input.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::cli {

struct Manifest {
  std::string name;  // as findings call it; "<stdin>"
  std::string text;
};

// A directory stands for the manifests below it, in the order of their names. Each is at most 8 MiB.
base::Result<std::vector<Manifest>> readManifests(const std::vector<std::string>& names, std::istream& in);

}  // namespace plimsoll::cli
