// The node's configuration: YAML (kind NodeConfig) to typed values. The format: docs/configuration.md.
//
// Not for: deciding by it (pkg/policy), or noticing that it changed (config_watcher.h).
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/config/network.h"
#include "pkg/model/rules.h"

namespace plimsoll::config {

// Who may use the agent's API.
struct ApiConfig {
  std::vector<uint32_t> allowed_uids{0};
  int max_connections = 32;
  bool operator==(const ApiConfig&) const = default;
};

// Series of single containers on /metrics: few nodes want them, and each container costs some twenty.
struct MetricsConfig {
  bool per_container = false;
  int max_containers = 100;
  bool operator==(const MetricsConfig&) const = default;
};

struct NodeConfig {
  model::NodePolicy policy;
  ApiConfig api;
  MetricsConfig metrics;
  NetworkConfig network;
};

// What a node without a configuration file has: the built-in classes (latency-critical, standard, batch), no
// rules.
NodeConfig builtInConfig();

// All or nothing: the error's message lists every problem, one per line, as "FILE:LINE: what is wrong".
// `filename` is for messages only.
base::Result<NodeConfig> loadNodeConfig(std::string_view text, std::string_view filename);

// The text of a file of at most 1 MiB. An error to open or read keeps its errno.
base::Result<std::string> readConfigText(const std::string& path);

// Both in one.
base::Result<NodeConfig> readNodeConfig(const std::string& path);

}  // namespace plimsoll::config
