// An update that starts the new agent beside the old one: docs/adr/0009-install.md.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>

#include "pkg/sys/unix_socket.h"
#include "tests/integration/agent_process.h"
#include "tests/support/fake_runtime/fake_runtime.h"

namespace plimsoll::integration {
namespace {

using fake::FakeRuntime;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::FakeHost;
namespace api = nri::api;
using Clock = std::chrono::steady_clock;

constexpr char kPath[] = "/kubepods/podu1/c1";

std::string get(const std::string& socket, const std::string& path) {
  auto fd = sys::connectUnix(socket);
  if (!fd) return "";
  fcntl(fd->get(), F_SETFL, 0);
  timeval patience{.tv_sec = 5, .tv_usec = 0};
  setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  if (send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  char chunk[4096];
  for (ssize_t n; (n = recv(fd->get(), chunk, sizeof chunk, 0)) > 0;)
    answer.append(chunk, static_cast<size_t>(n));
  return answer;
}

// The agent of the next version: the same node, its own HTTP endpoint, as in a pod of its own.
class Second {
 public:
  Second(std::vector<std::string> arguments, const std::string& directory)
      : http_(directory + "/http2.sock") {
    for (std::string& argument : arguments) {
      if (argument.starts_with("--http-address=")) argument = "--http-address=" + http_;
    }
    arguments.push_back("--handover-seconds=60");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Second() {
    if (pid_ > 0) stop(SIGKILL);
  }
  int stop(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& http() const { return http_; }

 private:
  std::string http_;
  pid_t pid_ = 0;
};

class StandbyTest : public testing::Test {
 protected:
  StandbyTest() {
    char name[] = "/tmp/plimsoll-standby-XXXXXX";
    directory_ = mkdtemp(name);
    host_.container("/kubepods");
    agent_.emplace(host_, directory_);
    runtime_.emplace(agent_->nriSocket(), fake::likeContainerd219());
    host_.container(kPath);
  }
  ~StandbyTest() override {
    agent_.reset();
    std::filesystem::remove_all(directory_);
  }

  bool waits(const Second& second) {
    return eventually([&] {
      return get(second.http(), "/readyz").find("waiting for this node's other agent") != std::string::npos;
    });
  }
  // Whether a container that starts now gets its settings at its creation.
  bool served() {
    api::PodSandbox pod;
    pod.set_id("s1");
    pod.set_name("web");
    pod.set_namespace_("shop");
    pod.set_uid("u1");
    pod.mutable_linux()->set_cgroup_parent("/kubepods/podu1");
    (*pod.mutable_annotations())["plimsoll.dev/memory.high"] = "64Mi";
    api::Container container;
    container.set_id("c1");
    container.set_pod_sandbox_id("s1");
    container.set_name("app");
    container.mutable_linux()->set_cgroups_path(kPath);
    auto answer = runtime_->createContainer(pod, container);
    return answer && answer->adjust().linux().resources().unified().count("memory.high") > 0;
  }

  FakeHost host_;
  std::string directory_;
  std::optional<FakeRuntime> runtime_;
  std::optional<AgentProcess> agent_;
};

TEST_F(StandbyTest, TheNewAgentIsReadyWhileItWaitsAndTakesOverAtOnce) {
  agent_->start();
  ASSERT_TRUE(runtime_->waitForPlugins(1)) << agent_->log();
  ASSERT_TRUE(served());
  Second second(agent_->arguments(), directory_);
  ASSERT_TRUE(waits(second));
  EXPECT_THAT(get(second.http(), "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(second.http(), "/metrics"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(get(second.http(), "/other"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(runtime_->plugins().size(), 1u) << "two agents would collide";
  const auto asked = Clock::now();
  EXPECT_EQ(agent_->stop(SIGTERM), 0);
  ASSERT_TRUE(eventually([&] { return served(); }));
  const auto gap = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - asked);
  std::cout << "without an agent, from SIGTERM on: " << gap.count() << " ms\n";
  EXPECT_LT(gap, std::chrono::seconds(3));
  ASSERT_TRUE(eventually([&] { return get(second.http(), "/readyz").find("ok") != std::string::npos; }));
  EXPECT_THAT(get(second.http(), "/metrics"), HasSubstr("plimsoll_nri_registered 1"));
  EXPECT_EQ(second.stop(SIGTERM), 0);
}

TEST_F(StandbyTest, OneThatWaitsEndsWhenItIsAskedTo) {
  agent_->start();
  ASSERT_TRUE(runtime_->waitForPlugins(1)) << agent_->log();
  Second second(agent_->arguments(), directory_);
  ASSERT_TRUE(waits(second));
  const auto asked = Clock::now();
  EXPECT_EQ(second.stop(SIGTERM), 1);
  EXPECT_LT(Clock::now() - asked, std::chrono::seconds(2));
  EXPECT_TRUE(served()) << "the other one goes on";
}

}  // namespace
}  // namespace plimsoll::integration
