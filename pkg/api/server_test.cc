// The server's methods and the services beside it. server_limits_test.cc: what it refuses.
#include "pkg/api/server.h"

#include <gmock/gmock.h>

#include <set>

#include "pkg/api/test_client.h"

namespace plimsoll::api {
namespace {

using ::testing::HasSubstr;

class ServerTest : public ServerFixture {};

TEST_F(ServerTest, AnswersOverItsSocket) {
  NodeInfo node;
  node.name = "node-1";
  source_.setNode(node);
  source_.add(containerReport("default", "web-0", "app", "abcdef123456"));
  source_.push("Started", "first");
  start();
  pb::Node answer;
  const grpc::Status status = getNode(*stubTo(socket_), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.name(), "node-1");
  EXPECT_EQ(answer.containers().known(), 1);
  EXPECT_EQ(answer.last_event(), 1u);
}

TEST_F(ServerTest, PagesThroughAThousandContainers) {
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(10000 + i);
    auto report = containerReport("default", "pod-" + number, "app", "id" + number);
    report.plan.settings.push_back(plannedSetting("memory.high", "512Mi", model::State::Applied, "512Mi"));
    source_.add(std::move(report));
  }
  start();
  const auto stub = stubTo(socket_);
  std::set<std::string> seen;
  int pages = 0;
  pb::ListContainersRequest request;
  do {
    grpc::ClientContext context;
    setDeadline(context);
    pb::ListContainersResponse page;
    const grpc::Status status = stub->ListContainers(&context, request, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_LE(page.containers_size(), 500);
    for (const auto& container : page.containers()) EXPECT_TRUE(seen.insert(container.id()).second);
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(pages, 2);
}

TEST_F(ServerTest, GivesTheErrorOfAQuestionThatCannotBeAnswered) {
  start();
  const auto stub = stubTo(socket_);
  grpc::ClientContext first, second, third;
  pb::Container container;
  pb::GetContainerRequest get;
  get.set_pod("web-0");
  EXPECT_EQ(stub->GetContainer(&first, get, &container).error_code(), grpc::StatusCode::NOT_FOUND);
  pb::ListContainersRequest list;
  list.set_label_selector("a in b");
  pb::ListContainersResponse listed;
  EXPECT_EQ(stub->ListContainers(&second, list, &listed).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  pb::ExplainRequest explain;
  explain.set_key("memory.hihg");
  pb::ExplainResponse explained;
  const grpc::Status status = stub->Explain(&third, explain, &explained);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("memory.high"));
}

TEST_F(ServerTest, ExplainsAndLints) {
  start();
  const auto stub = stubTo(socket_);
  grpc::ClientContext first, second;
  pb::ExplainResponse explained;
  ASSERT_TRUE(stub->Explain(&first, {}, &explained).ok());
  EXPECT_EQ(explained.settings_size(), static_cast<int>(model::settingsTable().size()));
  pb::LintRequest lint;
  lint.set_manifest(
      "{apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {plimsoll.dev/cpu.wieght: '5'}}}");
  pb::LintResponse linted;
  ASSERT_TRUE(stub->Lint(&second, lint, &linted).ok());
  ASSERT_EQ(linted.findings_size(), 1);
  EXPECT_EQ(linted.findings(0).severity(), pb::SEVERITY_ERROR);
  EXPECT_EQ(linted.findings(0).problem().suggestion(), "cpu.weight");
}

TEST_F(ServerTest, StreamsEventsInOrderAndFollows) {
  source_.push("One", "1");
  source_.push("Other", "2", "kube-system", "dns-0");
  source_.push("Two", "3");
  start();
  const auto stub = stubTo(socket_);
  grpc::ClientContext context;
  setDeadline(context);
  pb::WatchEventsRequest request;
  request.set_follow(true);
  request.set_namespace_("default");
  const auto reader = stub->WatchEvents(&context, request);
  pb::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().reason(), "One");
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().sequence(), 3u);
  for (int i = 0; i < 200; ++i) {  // one at a time: each push has to wake the stream
    source_.push("Live", std::to_string(i));
    ASSERT_TRUE(reader->Read(&response));
    EXPECT_EQ(response.event().message(), std::to_string(i));
    EXPECT_EQ(response.dropped(), 0u);
  }
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ServerTest, EndsAStreamThatDoesNotFollowAfterTheKeptEvents) {
  for (int i = 0; i < 100; ++i) source_.push("Some", std::to_string(i));
  start();
  const auto stub = stubTo(socket_);
  const auto count = [&](uint64_t since) {
    grpc::ClientContext context;
    setDeadline(context);
    pb::WatchEventsRequest request;
    request.set_since(since);
    const auto reader = stub->WatchEvents(&context, request);
    pb::WatchEventsResponse response;
    int events = 0;
    while (reader->Read(&response)) ++events;
    EXPECT_TRUE(reader->Finish().ok());
    return events;
  };
  EXPECT_EQ(count(0), 100);
  EXPECT_EQ(count(90), 10);
  EXPECT_EQ(count(100), 0);
  EXPECT_EQ(count(5000), 100) << "a number of an earlier life of the agent means everything";
}

TEST_F(ServerTest, EndsStreamsWhenItStops) {
  start();
  const auto stub = stubTo(socket_);
  grpc::ClientContext context;
  setDeadline(context);
  pb::WatchEventsRequest request;
  request.set_follow(true);
  source_.push("One", "1");
  const auto reader = stub->WatchEvents(&context, request);
  pb::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  server_.reset();
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// Health and reflection have no generated code in Debian's packages: calls by name, with the few bytes
// written by hand.
grpc::Status rawCall(const std::string& socket, const std::string& method, const std::string& request,
                     std::string* response) {
  grpc::GenericStub stub(channelTo(socket));
  grpc::ClientContext context;
  setDeadline(context);
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  void* tag = nullptr;
  bool ok = false;
  const auto next = [&] { return queue.Next(&tag, &ok) && ok; };
  // As a stream of one message: fits unary methods and streaming ones.
  const auto call = stub.PrepareCall(&context, method, &queue);
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->StartCall(nullptr);
  if (next()) {
    call->WriteLast(message, {}, nullptr);
    if (next()) {
      call->Read(&answer, nullptr);
      if (next()) {
        grpc::Slice all;
        if (answer.DumpToSingleSlice(&all).ok()) {
          response->assign(reinterpret_cast<const char*>(all.begin()), all.size());
        }
      }
    }
  }
  call->Finish(&status, nullptr);
  next();
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return status;
}

// What grpc.health.v1 answers; "error N" for another status.
std::string healthOf(const std::string& socket, const std::string& service) {
  const std::string request =
      service.empty() ? "" : "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
  std::string response;
  const grpc::Status status = rawCall(socket, "/grpc.health.v1.Health/Check", request, &response);
  if (!status.ok()) return "error " + std::to_string(status.error_code());
  return response == "\x08\x01" ? "SERVING" : "NOT_SERVING";
}

TEST_F(ServerTest, TellsItsHealth) {
  start();
  const auto health = [&](const std::string& service) { return healthOf(socket_, service); };
  EXPECT_EQ(health(""), "SERVING");
  EXPECT_EQ(health("readiness"), "NOT_SERVING");
  server_->setServing("readiness", true);
  EXPECT_EQ(health("readiness"), "SERVING");
  EXPECT_EQ(health("liveness"), "NOT_SERVING");
  EXPECT_EQ(health("other"), "error 5");
}

TEST_F(ServerTest, AsksForItsHealthWhileSomebodyIsConnected) {
  std::atomic<bool> live{true}, ready{false};
  ServerOptions asking = options();
  asking.serving = [&](const std::string& service) {
    return service == "readiness" ? ready.load() : live.load();
  };
  asking.health_interval = std::chrono::milliseconds(20);
  start(asking);
  EXPECT_EQ(healthOf(socket_, ""), "SERVING");
  EXPECT_EQ(healthOf(socket_, "liveness"), "SERVING");
  EXPECT_EQ(healthOf(socket_, "readiness"), "NOT_SERVING");
  live = false;
  ready = true;
  // Each call is a new connection, which is asked for at once; the interval is for those that stay.
  EXPECT_EQ(healthOf(socket_, ""), "NOT_SERVING");
  EXPECT_EQ(healthOf(socket_, "liveness"), "NOT_SERVING");
  EXPECT_EQ(healthOf(socket_, "readiness"), "SERVING");
}

TEST_F(ServerTest, ListsItsServicesByReflection) {
  start();
  std::string response;
  const grpc::Status status =
      rawCall(socket_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              std::string("\x3a\x01*", 3), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(response, HasSubstr("plimsoll.v1.Agent"));
  EXPECT_THAT(response, HasSubstr("grpc.health.v1.Health"));
}

}  // namespace
}  // namespace plimsoll::api
