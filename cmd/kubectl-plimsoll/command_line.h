// The verbs and options as CLI11 knows them: the one table behind the command line, its help, the manual page
// and the completion scripts. CLI11 stays in the files that include this one.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cmd/kubectl-plimsoll/options.h"

namespace plimsoll::cli {

struct VerbRow {
  std::string_view name;
  Verb verb;
  void (*add)(CLI::App& app, Options& options);
  bool hidden = false;
};
std::span<const VerbRow> verbTable();
const VerbRow* findVerb(std::string_view name);

// Every verb with its options; they write into `options`, which must outlive it.
std::unique_ptr<CLI::App> makeApp(Options& options, const std::string& name);

}  // namespace plimsoll::cli
