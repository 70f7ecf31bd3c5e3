// The agents that a verb asks: that of this machine by its socket, or through kubectl those of the nodes that
// host the pods which are meant. All are asked at once, within a bound; one that does not answer takes
// nothing from the others.
//
//   ASSIGN_OR_RETURN(Agents agents, Agents::find(options, Scope::Pods));
//   auto answers = agents.ask<pb::Node>([](Client& client) { return client.node(); });
//   for (auto& [node, value] : answers.got) ...
//   return reportSilence(answers.silent, ...)
//
// Threads: one; ask() calls its function on threads of its own, one call per agent.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/client.h"
#include "cmd/kubectl-plimsoll/cluster.h"
#include "cmd/kubectl-plimsoll/kubectl.h"
#include "cmd/kubectl-plimsoll/options.h"

namespace plimsoll::cli {

// Which nodes matter.
enum class Scope {
  Pods,   // those that host the pods that the options select
  Past,   // as Pods where all that are named exist; else all, since pods that are gone were somewhere
  Nodes,  // all, or those of --node
  Any,    // one, whichever, or those of --node
};

struct Silence {
  std::string node;
  base::Error error;
};

template <typename T>
struct Answers {
  std::vector<std::pair<std::string, T>> got;  // by node; "" where the socket was asked
  std::vector<Silence> silent;
};

class Agents {
 public:
  // An error where there is no way to any agent, or none where one is needed.
  static base::Result<Agents> find(const Options& options, Scope scope);
  Agents(Agents&&) noexcept;
  Agents& operator=(Agents&&) noexcept;
  ~Agents();

  size_t size() const { return members_.size(); }
  // The namespace that is meant: the option's, or where none was given that of kubectl's context.
  const std::string& ns() const { return ns_; }
  // Whether the cluster was asked, and a member has a node's name.
  bool byKubectl() const { return kubectl_.has_value(); }
  // Nodes that host pods which are meant and run no agent that could be asked.
  const std::vector<Silence>& without() const { return without_; }

  template <typename T>
  Answers<T> ask(const std::function<base::Result<T>(Client&)>& question) {
    return askNamed<T>([&](const std::string&, Client& client) { return question(client); });
  }

  // With the node's name.
  template <typename T>
  Answers<T> askNamed(const std::function<base::Result<T>(const std::string&, Client&)>& question) {
    std::vector<std::optional<base::Result<T>>> results(members_.size());
    forEach([&](size_t index, base::Result<Client*> client) {
      if (client) {
        results[index] = question(nodeOf(index), **client);
      } else {
        results[index] = tl::make_unexpected(std::move(client).error());
      }
      return results[index]->has_value();
    });
    Answers<T> answers;
    answers.silent = without_;
    for (size_t i = 0; i < results.size(); ++i) {
      if (*results[i]) {
        answers.got.emplace_back(nodeOf(i), std::move(**results[i]));
      } else {
        answers.silent.push_back({nodeOf(i), results[i]->error()});
      }
    }
    return answers;
  }

  // All at once, whatever the bound: for streams that do not end. ResourceExhausted: too many for that.
  base::Status allowAtOnce();

 private:
  struct Member;
  Agents() = default;
  base::Status findInCluster(const Options& options, Scope scope);
  base::Result<std::vector<std::string>> wantedNodes(const Options& options, Scope scope) const;
  const std::string& nodeOf(size_t index) const;
  // `visit` gives false where the connection is of no more use.
  void forEach(const std::function<bool(size_t index, base::Result<Client*> client)>& visit);

  std::optional<Kubectl> kubectl_;
  std::string ns_;
  std::chrono::milliseconds timeout_{};
  size_t at_once_ = 1;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Silence> without_;
};

}  // namespace plimsoll::cli
