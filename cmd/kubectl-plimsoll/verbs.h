// The verbs: ask the agents (or the table, or files), print, and give the exit code.
#pragma once

#include <iosfwd>

#include "cmd/kubectl-plimsoll/options.h"

namespace plimsoll::cli {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colours = false;
};

int run(const Options& options, Streams streams);

// Verbs with a file of their own.
int runEvents(const Options& options, Streams streams);    // verbs_events.cc
int runTop(const Options& options, Streams streams);       // verbs_top.cc
int runHistory(const Options& options, Streams streams);   // verbs_journal.cc
int runDiff(const Options& options, Streams streams);      // verbs_journal.cc
int runDoctor(const Options& options, Streams streams);    // verbs_node.cc
int runVersion(const Options& options, Streams streams);   // verbs_node.cc
int runGetNodes(const Options& options, Streams streams);  // verbs_node.cc
int runTopology(const Options& options, Streams streams);  // verbs_tree.cc
int runTree(const Options& options, Streams streams);      // verbs_tree.cc
int runSimulate(const Options& options, Streams streams);  // verbs_simulate.cc
int runBundle(const Options& options, Streams streams);    // verbs_bundle.cc

// Offline verbs.
int runExplain(const Options& options, Streams streams);     // verbs_offline.cc
int runLint(const Options& options, Streams streams);        // verbs_offline.cc
int runCompletion(const Options& options, Streams streams);  // completion.cc
int runComplete(const Options& options, Streams streams);    // completion.cc
int runMan(const Options& options, Streams streams);         // manual.cc

}  // namespace plimsoll::cli
