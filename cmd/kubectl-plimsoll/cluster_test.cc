#include "cmd/kubectl-plimsoll/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/kubectl-plimsoll/kubectl.h"

namespace plimsoll::cli {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string pod(const std::string& name, const std::string& node, bool ready, const std::string& more = "") {
  return R"({"metadata":{"namespace":"plimsoll","name":")" + name + "\"" + more +
         R"(},"spec":{"nodeName":")" + node +
         R"(","containers":[{"name":"other"},{"name":"plimsolld"}]},"status":{"conditions":[)" +
         R"({"type":"Ready","status":")" + (ready ? "True" : "False") +
         R"("}],"containerStatuses":[{"name":"plimsolld","state":{"running":{"startedAt":"x"}}}]}})";
}

std::string list(const std::string& items) { return "{\"kind\":\"List\",\"items\":[" + items + "]}"; }

TEST(ParseAgents, TakesOneForEachNode) {
  const auto agents = parseAgents(list(pod("b", "node-2", false) + "," + pod("a", "node-1", false) + "," +
                                       pod("a2", "node-1", true) + "," + pod("a3", "node-1", true)));
  ASSERT_TRUE(agents);
  EXPECT_THAT(*agents, ElementsAre(AgentPod{"plimsoll", "a2", "node-1", true},
                                   AgentPod{"plimsoll", "b", "node-2", false}));
  // One that is on its way out is asked only where there is no other.
  const auto leaving = parseAgents(
      list(pod("old", "node-1", true, R"(,"deletionTimestamp":"t")") + "," + pod("new", "node-1", true)));
  EXPECT_EQ(leaving->front().name, "new");
}

TEST(ParseAgents, LeavesOutWhatIsNoAgentThatRuns) {
  for (
      const char* item :
      {"7", "null", "[]", "{}", R"({"metadata":{"name":"a"}})",
       R"({"metadata":{"namespace":"p","name":"a"},"spec":{"nodeName":"n","containers":[{"name":"x"}]}})",
       R"({"metadata":{"namespace":"p","name":"a"},"spec":{"nodeName":"n","containers":[{"name":"plimsolld"}]}})",
       R"({"metadata":{"namespace":"p","name":"a"},"spec":{"nodeName":"n","containers":[{"name":"plimsolld"}]},)"
       R"("status":{"containerStatuses":[{"name":"plimsolld","state":{"waiting":{}}}]}})",
       R"({"metadata":{"namespace":"p","name":7},"spec":{"nodeName":"n","containers":[{"name":"plimsolld"}]},)"
       R"("status":{"containerStatuses":[{"name":"plimsolld","state":{"running":{}}}]}})"}) {
    const auto agents = parseAgents(list(item));
    ASSERT_TRUE(agents) << item;
    EXPECT_THAT(*agents, IsEmpty()) << item;
  }
  for (const std::string node : {"-x", "", "a b", "A", "a/b", "../a", "a\\u0000"})
    EXPECT_THAT(*parseAgents(list(pod("a", node, true))), IsEmpty()) << node;
}

TEST(ParseAgents, RefusesWhatIsNoList) {
  for (const char* text : {"", "x", "[]", "{}", "{\"items\":{}}", "{\"items\":[", "\xff\xfe"})
    EXPECT_FALSE(parseAgents(text)) << text;
  EXPECT_FALSE(parseAgents(std::string(200'000, '[')));
}

TEST(ParsePods, ReadsColumns) {
  const auto pods = parsePods("default  web-0   node-1\nshop\tapi.0 <none>\n\n");
  ASSERT_TRUE(pods);
  EXPECT_THAT(*pods, ElementsAre(PodPlace{"default", "web-0", "node-1"}, PodPlace{"shop", "api.0", ""}));
  for (const char* text : {"default", "default --x node-1", "<html>", "a b c;d"})
    EXPECT_FALSE(parsePods(text)) << text;
}

TEST(Arguments, NamesNeverComeBeforeTheDashes) {
  EXPECT_THAT(findPodsArguments({"shop", "", {"a", "b"}}),
              ElementsAre("get", "pods", "--namespace=shop", HasSubstr("custom-columns"), "--no-headers",
                          "--ignore-not-found", "--", "a", "b"));
  EXPECT_THAT(findPodsArguments({"", "app=x", {"a"}}),
              ElementsAre("get", "pods", "--all-namespaces", HasSubstr("custom-columns"), "--no-headers",
                          "--ignore-not-found", "--selector=app=x"));
  EXPECT_THAT(findAgentsArguments(""),
              ElementsAre("get", "pods", "--selector=app.kubernetes.io/name=plimsoll", "--all-namespaces",
                          "--output=json"));
}

TEST(IsObjectName, IsStrict) {
  for (const char* good : {"a", "0", "web-0", "a.b-c.d"}) EXPECT_TRUE(isObjectName(good)) << good;
  for (const char* bad : {"", "-", "a-", ".a", "A", "a_b", "a b", "a\n"})
    EXPECT_FALSE(isObjectName(bad)) << bad;
  EXPECT_TRUE(isObjectName(std::string(253, 'a')));
  EXPECT_FALSE(isObjectName(std::string(254, 'a')));
}

// With programs of this machine in kubectl's place.
Kubectl program(const std::string& path, milliseconds timeout = milliseconds(5'000)) {
  return Kubectl({path, {}, timeout});
}

TEST(KubectlRun, GivesOutputAndErrors) {
  EXPECT_EQ(program("/bin/echo").run({"a b", "$HOME;", "--", "-c"}).value(), "a b $HOME; -- -c\n")
      << "no shell reads it";
  const auto failed = program("/bin/cat").run({"/nonexistent/file"});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("No such file"));
  EXPECT_EQ(program("/bin/false").run({"get"}).error().message, "kubectl get: exit code 1");
  EXPECT_EQ(program("/nowhere/kubectl").run({"get"}).error().code, ErrorCode::NotFound);
}

TEST(KubectlRun, IsBoundedInTimeAndSize) {
  const auto before = std::chrono::steady_clock::now();
  const auto late = program("/bin/sleep", milliseconds(200)).run({"100"});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::DeadlineExceeded);
  const auto much = program("/usr/bin/yes").run({"y"}, 1 << 20);
  ASSERT_FALSE(much);
  EXPECT_EQ(much.error().code, ErrorCode::ResourceExhausted);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15));
}

// One that ignores SIGTERM is ended all the same.
TEST(ChildProcess, IsNeverLeftBehind) {
  ::signal(SIGTERM, SIG_IGN);  // inherited by what is started
  {
    const auto child = ChildProcess::start({"/bin/sleep", "1000"}, {0, 1, 2});
    ASSERT_TRUE(child);
  }
  ::signal(SIGTERM, SIG_DFL);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nobody is left to wait for, not even a zombie";
}

TEST(KubectlError, SaysWhatKubectlSaid) {
  const auto forbidden = kubectlError("kubectl exec", "\n  \nError from server (Forbidden): no\nmore\n", 1);
  EXPECT_EQ(forbidden.code, ErrorCode::PermissionDenied);
  EXPECT_EQ(forbidden.message, "kubectl exec: Error from server (Forbidden): no; more");
  EXPECT_EQ(kubectlError("kubectl exec", "", 7).message, "kubectl exec: exit code 7");
  EXPECT_LT(kubectlError("kubectl exec", std::string(1 << 20, 'x'), 1).message.size(), 5'000u);
}

}  // namespace
}  // namespace plimsoll::cli
