// The verbs: ask the agent (or the table, or files), print, and give the exit code.
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
int runTop(const Options& options, Streams streams);      // verbs_top.cc
int runHistory(const Options& options, Streams streams);  // verbs_journal.cc
int runDiff(const Options& options, Streams streams);

// Offline verbs (verbs_offline.cc).
int runExplain(const Options& options, Streams streams);
int runLint(const Options& options, Streams streams);

}  // namespace plimsoll::cli
