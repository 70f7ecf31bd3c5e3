// What the agent shows of itself, as a process: health that follows what really happens, metrics that count
// it, and kubectl plimsoll top.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "pkg/metrics/text_lint.h"
#include "pkg/sys/unix_socket.h"
#include "tests/integration/agent_process.h"
#include "tests/support/fake_runtime/fake_runtime.h"

namespace plimsoll::integration {
namespace {

using fake::FakeRuntime;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::FakeHost;
namespace api = nri::api;

constexpr char kPath[] = "/kubepods/podu1/c1";

struct Answer {
  int status = 0;  // 0: nobody answers
  std::string body;
};

class ObservabilityTest : public testing::Test {
 protected:
  ObservabilityTest() {
    char name[] = "/tmp/plimsoll-observe-XXXXXX";
    directory_ = mkdtemp(name);
    host_.container("/kubepods");
    cgroup_.emplace(host_.container(kPath));
    host_.process(4711, kPath);
    agent_.emplace(host_, directory_);
  }
  ~ObservabilityTest() override {
    agent_.reset();
    std::filesystem::remove_all(directory_);
  }

  void configure(const std::string& yaml) {
    std::ofstream(agent_->configFile() + ".new")
        << "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n" + yaml;
    std::filesystem::rename(agent_->configFile() + ".new", agent_->configFile());
  }

  Answer get(const std::string& path) {
    auto fd = sys::connectUnix(agent_->httpSocket());
    if (!fd) return {};
    fcntl(fd->get(), F_SETFL, 0);
    timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: agent\r\n\r\n";
    if (send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd->get(), buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<size_t>(n));
    const size_t body = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || body == std::string::npos) return {};
    return {std::stoi(text.substr(9, 3)), text.substr(body + 4)};
  }
  bool comesTo(const std::string& path, int status) {
    return eventually([&] { return get(path).status == status; }, std::chrono::seconds(20));
  }
  metrics::ParsedText scrape() {
    auto text = metrics::lintText(get("/metrics").body);
    EXPECT_THAT(text.problems, IsEmpty());
    return text;
  }

  api::PodSandbox pod() {
    api::PodSandbox pod;
    pod.set_id("s1");
    pod.set_name("web");
    pod.set_namespace_("shop");
    pod.set_uid("u1");
    pod.mutable_linux()->set_cgroup_parent("/kubepods/podu1");
    (*pod.mutable_annotations())["plimsoll.dev/memory.high"] = "64Mi";
    return pod;
  }
  api::Container running() {
    api::Container container;
    container.set_id("c1");
    container.set_pod_sandbox_id("s1");
    container.set_name("app");
    container.set_pid(4711);
    container.set_state(api::CONTAINER_RUNNING);
    container.mutable_linux()->set_cgroups_path(kPath);
    return container;
  }

  FakeHost host_;
  std::string directory_;
  std::optional<testing_support::FakeCgroup> cgroup_;
  std::optional<AgentProcess> agent_;
};

TEST_F(ObservabilityTest, ReadinessFollowsTheRuntime) {
  agent_->start();
  ASSERT_TRUE(comesTo("/livez", 200)) << agent_->log();
  const Answer waiting = get("/readyz");
  EXPECT_EQ(waiting.status, 503);
  EXPECT_THAT(waiting.body, HasSubstr("[-]runtime failed: not registered with the container runtime"));
  EXPECT_THAT(waiting.body, HasSubstr("readyz check failed\n"));
  {
    FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
    ASSERT_TRUE(comesTo("/readyz", 200)) << get("/readyz").body << agent_->log();
    EXPECT_EQ(get("/readyz").body, "ok");
    EXPECT_THAT(get("/readyz?verbose").body, HasSubstr("[+]runtime ok\n"));
  }
  ASSERT_TRUE(comesTo("/readyz", 503));
  EXPECT_EQ(get("/livez").status, 200);
  FakeRuntime back(agent_->nriSocket(), fake::likeContainerd219());
  ASSERT_TRUE(comesTo("/readyz", 200)) << get("/readyz").body << agent_->log();
  const auto text = scrape();
  EXPECT_EQ(text.value("plimsoll_nri_connects_total"), 2);
  EXPECT_EQ(text.value("plimsoll_nri_disconnects_total", {{"reason", "runtime"}}), 1);
  EXPECT_EQ(text.value("plimsoll_nri_registered"), 1);
  EXPECT_EQ(text.value("plimsoll_healthy", {{"probe", "ready"}}), 1);
}

// The loop's thread alone is stopped, as by a system call that does not return.
TEST_F(ObservabilityTest, ALoopThatHangsIsNotLiveAndEverythingElseStillAnswers) {
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  agent_->start();
  ASSERT_TRUE(comesTo("/readyz", 200)) << agent_->log();
  if (ptrace(PTRACE_SEIZE, agent_->pid(), nullptr, nullptr) != 0) GTEST_SKIP() << "no ptrace here";
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, agent_->pid(), nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(waitpid(agent_->pid(), &status, __WALL), agent_->pid());
  ASSERT_TRUE(comesTo("/livez", 503));
  EXPECT_THAT(get("/livez").body, HasSubstr("[-]loop failed: the event loop has not turned for "));
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(scrape().value("plimsoll_healthy", {{"probe", "live"}}), 0);
  EXPECT_EQ(agent_->kubectl({"get", "-A"}).exit_code, 0);
  ASSERT_EQ(ptrace(PTRACE_DETACH, agent_->pid(), nullptr, nullptr), 0);
  EXPECT_TRUE(comesTo("/livez", 200));
}

TEST_F(ObservabilityTest, MetricsTellWhatHappened) {
  configure("");
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  agent_->start();
  ASSERT_TRUE(comesTo("/readyz", 200)) << agent_->log();
  auto created = running();
  created.set_pid(0);
  ASSERT_TRUE(runtime.createContainer(pod(), created));
  ASSERT_TRUE(runtime.notify(api::EVENT_START_CONTAINER, pod(), running()));
  auto text = scrape();
  EXPECT_EQ(text.value("plimsoll_settings", {{"setting", "memory.high"}, {"state", "applied"}}), 1);
  EXPECT_EQ(text.value("plimsoll_containers", {{"class", "none"}, {"state", "running"}}), 1);
  EXPECT_EQ(text.value("plimsoll_nri_request_duration_seconds_count", {{"event", "CreateContainer"}}), 1);
  EXPECT_EQ(text.value("plimsoll_nri_request_duration_seconds_count", {{"event", "StartContainer"}}), 1);
  EXPECT_GT(text.value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_EQ(text.value("plimsoll_kernel_feature", {{"setting", "memory.high"}}), 1);
  EXPECT_FALSE(text.families.contains("plimsoll_container_memory_peak_bytes"));

  configure("metrics: {perContainer: {enabled: true}}\n");
  cgroup_->file("memory.peak", "12345\n");
  EXPECT_TRUE(eventually([&] {
    return scrape().value("plimsoll_container_memory_peak_bytes",
                          {{"namespace", "shop"}, {"pod", "web"}, {"container", "app"}}) == 12345;
  })) << get("/metrics").body;
  configure("rulez: []\n");
  EXPECT_TRUE(eventually([&] {
    return scrape().value("plimsoll_config_reload_total", {{"result", "rejected"}}) >= 1;
  }));
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_THAT(get("/readyz?verbose").body, HasSubstr("[+]configuration ok, but: "));
}

TEST_F(ObservabilityTest, TopShowsWhatTheKernelCounts) {
  cgroup_->file("cpu.stat", "usage_usec 9\nnr_periods 10\nnr_throttled 5\nthrottled_usec 8\n")
      .file("memory.current", "4096\n")
      .removeFile("memory.peak");
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  runtime.setState({pod()}, {running()});
  agent_->start();
  ASSERT_TRUE(comesTo("/readyz", 200)) << agent_->log();
  const Finished top = agent_->kubectl({"top", "-n", "shop"});
  EXPECT_EQ(top.exit_code, 0) << top.output;
  EXPECT_THAT(top.output, HasSubstr("web   app         <none>   50.0%"));
  EXPECT_THAT(top.output, HasSubstr("4.0Ki"));
  const Finished json = agent_->kubectl({"top", "web", "-n", "shop", "-o", "json"});
  EXPECT_THAT(json.output, HasSubstr("\"peakBytes\": null"));
  const Finished missing = agent_->kubectl({"top", "none", "-n", "shop"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.output, HasSubstr("no running container with settings in pod \"none\""));
  EXPECT_EQ(agent_->kubectl({"top", "--sort-by", "colour"}).exit_code, 1);
}

TEST_F(ObservabilityTest, OtherPathsAndNoHttpAtAll) {
  agent_->start();
  ASSERT_TRUE(comesTo("/livez", 200)) << agent_->log();
  EXPECT_EQ(get("/healthz").body, "ok");
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/metrics/../etc/passwd").status, 404);
  EXPECT_EQ(agent_->stop(SIGTERM), 0);
  EXPECT_EQ(get("/livez").status, 0);
  EXPECT_FALSE(std::filesystem::exists(agent_->httpSocket()));
  auto arguments = agent_->arguments();
  for (std::string& argument : arguments) {
    if (argument.starts_with("--http-address=")) argument = "--http-address=nonsense";
  }
  const Finished wrong = runProgram(arguments);
  EXPECT_NE(wrong.exit_code, 0);
  EXPECT_THAT(wrong.output, HasSubstr("nonsense"));
  // Off is only off: the API answers as before.
  agent_->switchHttpOff();
  agent_->start();
  EXPECT_TRUE(eventually([&] { return agent_->kubectl({"get", "-A"}).exit_code == 0; })) << agent_->log();
  EXPECT_EQ(get("/livez").status, 0);
}

}  // namespace
}  // namespace plimsoll::integration
