#include "pkg/netqos/sockets.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "pkg/base/parse.h"
#include "pkg/bpfobj/link.h"
#include "pkg/sys/file.h"

namespace plimsoll::netqos {

using base::Status;

Status runOverSockets(const bpfobj::Traffic& traffic, bpfobj::Program iterator, const std::string& proc,
                      pid_t pid) {
  ASSIGN_OR_RETURN(const int program, traffic.program(iterator));
  ASSIGN_OR_RETURN(const bpfobj::Link link, bpfobj::Link::attachIterator(program));
  const std::string path = proc + "/" + std::to_string(pid) + "/ns/net";
  const base::UniqueFd ns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns.valid()) return base::errnoError(errno, "open " + path);
  Status status = base::ok();
  const auto work = [&] {
    if (setns(ns.get(), CLONE_NEWNET) != 0) {
      status = base::errnoError(errno, "enter " + path);
    } else if (auto said = link.run(); !said) {
      status = tl::make_unexpected(said.error());
    }
  };
  try {
    std::thread(work).join();
  } catch (const std::system_error& error) {
    return base::errnoError(error.code().value(), "start a thread");
  }
  return status;
}

uint64_t socketsInUse(const std::string& proc, pid_t pid) {
  uint64_t sum = 0;
  for (const char* file : {"sockstat", "sockstat6"}) {
    auto text = sys::readFile(proc + "/" + std::to_string(pid) + "/net/" + file);
    if (!text) continue;
    // "TCP: inuse 3 orphan 0 tw 0 alloc 4 mem 1"
    for (std::string_view line : base::split(*text, '\n')) {
      const auto words = base::splitWords(line);
      if (words.size() < 3 || !words[0].starts_with("TCP") || words[1] != "inuse") continue;
      sum += base::parseInt<uint64_t>(words[2]).value_or(0);
    }
  }
  return sum;
}

}  // namespace plimsoll::netqos
