// What the verbs' files share: the agents, the view and the error lines that follow from the options.
#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/agents.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

View viewOf(const Options& options, const Streams& streams, bool nodes = false);
// Tells the error and gives the exit code back.
int fail(const Streams& streams, const std::string& message, int exit_code = kExitError);
bool isDocument(Output output);

// Says which nodes did not answer and what to do. The exit code: kExitOk where all did, kExitPartial where
// some, kExitError where none.
int reportSilence(const Streams& streams, const std::vector<Silence>& silent, bool any_answer);
// kExitPartial tells more than kExitError.
int worse(int one, int other);

// ---- pods, from all agents that were found

// With the namespace that is meant in place of none.
Options withNamespace(Options options, const Agents& agents);
pb::ListContainersRequest listRequest(const Options& options);
// Drops what the names and --container leave out.
void keepNamed(const Options& options, std::vector<pb::Container>& containers);
// Of all nodes in one list, in an agent's order, with their nodes' names.
std::vector<pb::Container> merge(std::vector<std::pair<std::string, std::vector<pb::Container>>> answers);
// Names that no container of these belongs to.
std::vector<std::string> missingNames(const Options& options, const std::vector<pb::Container>& containers);
int reportMissing(const Options& options, const Streams& streams, const std::vector<std::string>& missing,
                  bool by_kubectl);

struct Gathered {
  std::vector<pb::Container> containers;
  std::vector<Silence> silent;
  bool any_answer = false;
};
Gathered gatherContainers(Agents& agents, const Options& options);

}  // namespace plimsoll::cli
