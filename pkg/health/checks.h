// Named checks with reasons, for /livez and /readyz and for gRPC's health service: one state, told the same
// everywhere.
//
//   Checks checks;
//   checks.add({.name = "runtime", .of = Of::Ready, .run = [&] { return state.connected(); }});
//   Report report = checks.run(Of::Ready);
//
// Threads: add() before anybody runs; run() from any thread, several at once. A check must not wait.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace plimsoll::health {

enum class Level {
  Ok,
  Warn,  // works less well than it should; not a reason to restart or to be left out
  Fail,
};

struct Finding {
  Level level = Level::Ok;
  std::string reason;  // for people; empty when Ok
};

enum class Of {
  Live,   // failing: only a restart can help
  Ready,  // failing: it does not do its work at the moment
};

struct Check {
  std::string name;  // [a-z-]+
  Of of = Of::Ready;
  std::function<Finding()> run;
};

struct Report {
  bool good = true;  // no check failed
  std::vector<std::pair<std::string, Finding>> findings;

  // As Kubernetes' own components write it: "[+]loop ok", "[-]runtime failed: ...", and a last line with the
  // verdict on `what` ("readyz").
  std::string text(const std::string& what) const;
};

class Checks {
 public:
  void add(Check check) { checks_.push_back(std::move(check)); }
  Report run(Of of) const;
  // Names, in the order in which they were added.
  std::vector<std::string> names(Of of) const;

 private:
  std::vector<Check> checks_;
};

}  // namespace plimsoll::health
