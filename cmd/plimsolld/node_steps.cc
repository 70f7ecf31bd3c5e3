#include "cmd/plimsolld/node_steps.h"

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>

#include "cmd/kubectl-plimsoll/table.h"
#include "cmd/plimsolld/options.h"
#include "pkg/base/parse.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::agent {
namespace {

struct Wanted {
  std::string file, value;
};

// A file of the cgroup itself: nothing that leads elsewhere.
bool isPlainName(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

struct Found {
  std::string text;
  bool read = false;
};

Found readTrimmed(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {std::string("<unknown>: ") + std::strerror(errno), false};
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return {std::string("<unknown>: ") + std::strerror(errno), false};
  return {std::string(base::trim(text)), true};
}

}  // namespace

int runHold(std::ostream& err) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int signal = 0;
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) == 0 && sigwait(&signals, &signal) == 0) return kExitOk;
  err << "plimsolld: cannot wait for signals\n";
  return kExitFailure;
}

int runExpect(const std::vector<std::string>& wanted, const std::string& cgroup, std::ostream& out,
              std::ostream& err) {
  std::vector<Wanted> all;
  for (const std::string& text : wanted) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || !isPlainName(std::string_view(text).substr(0, equals))) {
      err << "plimsolld: \"" << text << "\" is not of the form FILE=VALUE, such as memory.high=67108864\n";
      return kExitUsage;
    }
    all.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  cli::Table table({"FILE", "WANTED", "FOUND", "RESULT"});
  bool good = true;
  for (const Wanted& each : all) {
    const Found found = readTrimmed(cgroup + "/" + each.file);
    const bool same = found.read && found.text == each.value;
    good = good && same;
    table.add({each.file, each.value, found.text, same ? "as wanted" : "DIFFERS"});
  }
  out << table.render(cli::Palette(false));
  return good ? kExitOk : kExitFailure;
}

}  // namespace plimsoll::agent
