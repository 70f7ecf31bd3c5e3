// bundle: what a bug report needs, of all nodes, in one archive. What could not be had is said in it.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <map>
#include <ostream>

#include "cmd/kubectl-plimsoll/doctor.h"
#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/tar.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/view_top.h"
#include "cmd/kubectl-plimsoll/view_tree.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::cli {
namespace {

using base::Result;
using base::Status;

// What is known of one node: texts by file name, and what was asked for in vain.
struct NodeFiles {
  std::map<std::string, std::string> texts;
  std::string problems;

  template <typename T, typename Make>
  void put(const std::string& name, const Result<T>& answer, const Make& make) {
    if (answer) {
      texts[name] = make(*answer);
    } else {
      problems += name + ": " + answer.error().message + "\n";
    }
  }
};

template <typename T>
std::string listJson(const std::vector<T>& items) {
  return toJson(document(std::span<const T>(items)));
}

Result<std::vector<pb::Event>> eventsOf(Client& client) {
  std::vector<pb::Event> events;
  RETURN_IF_ERROR(client.events(pb::WatchEventsRequest(), [&](const pb::WatchEventsResponse& response) {
    events.push_back(response.event());
    return true;
  }));
  return events;
}

void putDiagnostics(NodeFiles& files, const Result<pb::Diagnostics>& diagnostics) {
  if (!diagnostics) {
    files.problems += "diagnostics: " + diagnostics.error().message + "\n";
    return;
  }
  for (const pb::DiagnosticText& text : diagnostics->texts()) {
    if (text.problem().empty()) {
      files.texts[text.name()] = text.text();
    } else {
      files.problems += text.name() + ": " + text.problem() + "\n";
    }
  }
}

// An error only where not even the node itself could be asked.
Result<NodeFiles> collect(Client& client) {
  NodeFiles files;
  const Result<pb::Node> node = client.node();
  if (!node) return tl::unexpected(node.error());
  files.put("node.json", node, [](const pb::Node& it) { return toJson(document(it)); });
  files.texts["doctor.txt"] = renderChecks(checkAgent(node, PLIMSOLL_VERSION), Palette(false));
  files.put("containers.json", client.containers({}), listJson<pb::Container>);
  files.put("stats.json", client.stats({}), listJson<pb::ContainerStats>);
  files.put("events.json", eventsOf(client), listJson<pb::Event>);
  files.put("history.json", client.history({}), listJson<pb::HistoryEntry>);
  files.put("topology.json", client.topology({}),
            [](const pb::Topology& it) { return toJson(document(it)); });
  putDiagnostics(files, client.diagnostics());
  return files;
}

std::string timeName(std::time_t now, const char* format) {
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

struct Bundle {
  std::string name;  // of its folder, and of the file unless another is asked for
  std::string bytes;
};

Bundle pack(const Answers<NodeFiles>& answers) {
  const std::time_t now = std::time(nullptr);
  Bundle bundle{"plimsoll-bundle-" + timeName(now, "%Y%m%dT%H%M%SZ"), {}};
  Tar tar(now);
  std::string problems;
  const auto add = [&](const std::string& name, const std::string& text) {
    if (auto added = tar.add(bundle.name + "/" + name, text); !added)
      problems += added.error().message + "\n";
  };
  add("about.txt", std::string("kubectl-plimsoll ") + PLIMSOLL_VERSION + "\n" +
                       timeName(now, "%Y-%m-%dT%H:%M:%SZ") + "\n");
  for (const auto& [node, files] : answers.got) {
    const std::string folder = node.empty() ? "node" : "nodes/" + node;
    for (const auto& [name, text] : files.texts) add(folder + "/" + name, text);
    if (!files.problems.empty()) problems += folder + ":\n" + files.problems;
  }
  for (const Silence& each : answers.silent)
    problems += (each.node.empty() ? "agent" : "nodes/" + each.node) + ": " + each.error.message + "\n";
  if (!problems.empty()) add("problems.txt", problems);
  bundle.bytes = std::move(tar).finish();
  return bundle;
}

// Never over a file that stands there; for its owner only.
Status writeNew(const std::string& file, const std::string& bytes) {
  const base::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return base::errnoError(errno, "create " + file);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::errnoError(errno, "write " + file);
    done += static_cast<size_t>(n);
  }
  return base::ok();
}

}  // namespace

int runBundle(const Options& options, Streams streams) {
  auto agents = Agents::find(options, Scope::Nodes);
  if (!agents) return fail(streams, agents.error().message);
  const auto answers = agents->ask<NodeFiles>([](Client& client) { return collect(client); });
  const int silence = reportSilence(streams, answers.silent, !answers.got.empty());
  if (silence == kExitError) return silence;
  const Bundle bundle = pack(answers);
  if (options.file == "-") {
    streams.out.write(bundle.bytes.data(), static_cast<std::streamsize>(bundle.bytes.size()));
    return silence;
  }
  const std::string file = options.file.empty() ? bundle.name + ".tar" : options.file;
  if (auto written = writeNew(file, bundle.bytes); !written) return fail(streams, written.error().message);
  streams.err << printable(file) << ": " << answers.got.size()
              << (answers.got.size() == 1 ? " node" : " nodes")
              << "; look through it before you pass it on\n";
  return silence;
}

}  // namespace plimsoll::cli
