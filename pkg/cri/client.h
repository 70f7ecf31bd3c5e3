// Asks the container runtime over its CRI socket what runs on the node: a second opinion on what NRI tells.
// Read-only: nothing is ever changed through it.
//
// A question is answered by a thread of its own that lives only as long as the question: gRPC's own threads
// wake up often, and the agent asks a few times an hour. Answers come on the event loop.
//
// Not for: pods' life cycle, container events (containerd 1.7 has one reader's worth of them, the kubelet's:
// containerd#7318). Everything belongs to the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/facts.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::cri {

using base::Result;

struct ListedContainer {
  model::ContainerFacts facts;  // id, name, sandbox_id, state
  std::chrono::system_clock::time_point created;
};

struct Listing {
  std::vector<model::PodFacts> pods;  // sandbox_id, name, ns, uid, labels, annotations; also of stopped ones
  std::vector<ListedContainer> containers;
};

// What a container's own status has beyond the list. Fields that this runtime does not show are as in the
// list.
struct Details {
  std::vector<model::PodFacts> pods;              // with cgroup_parent and host_network
  std::vector<model::ContainerFacts> containers;  // with pid, cgroups_path, base, mounts
};

struct ClientOptions {
  std::string socket;  // "/run/containerd/containerd.sock"
  // For one answer as a whole, and all of its calls.
  std::chrono::milliseconds deadline{10'000};
  size_t max_message_bytes = 16U << 20;  // containerd's own limit
};

class Client {
 public:
  Client(sys::EventLoop& loop, ClientOptions options);
  // Ends the question under way, without an answer.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `done` is called once, on the loop, never inside this call. Unavailable: nobody there; DeadlineExceeded.
  // FailedPrecondition, at once, when a question is under way.
  base::Status list(std::function<void(Result<Listing>)> done);
  // Statuses of these containers and their pods, as `listing` has them. One that went away meanwhile is left
  // out.
  base::Status detail(std::vector<ListedContainer> containers, std::vector<model::PodFacts> pods,
                      std::function<void(Result<Details>)> done);
  bool busy() const { return work_ != nullptr; }

 private:
  struct Work;
  template <typename Answer>
  base::Status start(std::function<Result<Answer>(Work&)> ask, std::function<void(Result<Answer>)> done);

  sys::EventLoop& loop_;
  ClientOptions options_;
  std::shared_ptr<Work> work_;  // shared with its thread's last message to the loop
};

}  // namespace plimsoll::cri
