// What a node needs for Plimsoll, checked on the spot. Reads files below a root only, so that a test builds a
// host from a few files. Any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/kubectl-plimsoll/text.h"
#include "pkg/base/result.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::cli {

enum class Severity { Ok, Info, Warning, Error };

struct Check {
  std::string name;  // "cgroup"
  Severity severity = Severity::Ok;
  std::string found;      // what is
  std::string why;        // why it matters; empty when Ok
  std::string fix;        // what to do; empty when Ok
  std::string node = {};  // of a cluster; empty: this machine
};

// `root`: where the host's file system is, "/" or "/host".
std::vector<Check> checkHost(const std::string& root);
// What the agent says of itself, or why it could not be asked.
std::vector<Check> checkAgent(const base::Result<plimsoll::v1::Node>& node,
                              const std::string& client_version);

// What containerd's configuration says of NRI. `socket_there`: whether the NRI socket exists.
std::vector<Check> checkContainerdConfig(std::string_view toml, bool socket_there);

std::string renderChecks(const std::vector<Check>& checks, const Palette& palette);
nlohmann::ordered_json document(const std::vector<Check>& checks);  // kind DoctorReport
bool hasErrors(const std::vector<Check>& checks);

}  // namespace plimsoll::cli
