// podctl's commands: each prints to stdout and returns the program's exit code (0 done, 1 refused or failed).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/podctl/client.h"

namespace plimsoll::podctl {

struct Target {
  std::string name_space = "default";
  std::string pod;
  std::string container;  // "": the only one
};

struct ResizeWish {
  std::optional<int64_t> request_milli_cpu;
  std::optional<int64_t> limit_milli_cpu;
  std::optional<int64_t> limit_memory;
};

int runFiles(Client& client, const std::vector<std::string>& files);
int listPods(Client& client);
int removePods(Client& client, const Target& target, bool all, int64_t grace_seconds);
int execIn(Client& client, const Target& target, const std::vector<std::string>& command,
           int64_t timeout_seconds);
int showLog(Client& client, const Target& target);
int showCgroup(Client& client, const Target& target, bool whole_pod);
int inspect(Client& client, const Target& target);
int resize(Client& client, const Target& target, const ResizeWish& wish);
// Prints the exit code of an exited container.
int waitFor(Client& client, const Target& target, const std::string& state, int64_t timeout_seconds);
int showVersion(Client& client);

// Prints the error to stderr; its return value is the exit code.
int complain(const base::Error& error);

}  // namespace plimsoll::podctl
