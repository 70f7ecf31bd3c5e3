#include "pkg/cri/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <future>

#include "tests/support/fake_cri/fake_cri.h"
#include "tests/support/fake_runtime/loop_thread.h"

namespace plimsoll::cri {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;
using testing::HasSubstr;

class CriClient : public testing::Test {
 protected:
  CriClient() {
    char dir[] = "/tmp/cri_test.XXXXXX";
    dir_ = mkdtemp(dir);
    socket_ = dir_ + "/cri.sock";
  }
  ~CriClient() override {
    thread_.run([&] { client_.reset(); });
    std::filesystem::remove_all(dir_);
  }
  void connect(std::chrono::milliseconds deadline = 10s) {
    thread_.run([&] {
      client_ =
          std::make_unique<Client>(thread_.loop(), ClientOptions{.socket = socket_, .deadline = deadline});
    });
  }
  Result<Listing> list() {
    std::promise<Result<Listing>> answer;
    thread_.run([&] {
      auto asked = client_->list([&](Result<Listing> listing) { answer.set_value(std::move(listing)); });
      if (!asked) answer.set_value(tl::make_unexpected(asked.error()));
    });
    return answer.get_future().get();
  }
  Result<Details> detail(std::vector<ListedContainer> containers, std::vector<model::PodFacts> pods) {
    std::promise<Result<Details>> answer;
    thread_.run([&] {
      auto asked = client_->detail(std::move(containers), std::move(pods),
                                   [&](Result<Details> details) { answer.set_value(std::move(details)); });
      ASSERT_TRUE(asked);
    });
    return answer.get_future().get();
  }

  std::string dir_, socket_;
  fake::LoopThread thread_;
  std::unique_ptr<Client> client_;
};

TEST_F(CriClient, ListsPodsAndContainersAndAsksForDetails) {
  fake::FakeCri cri(socket_);
  cri.add(fake::CriPod{.id = "p1", .name = "web", .ns = "shop", .uid = "u1", .annotations = {{"k", "v"}}});
  cri.add(fake::CriContainer{.id = "c1", .name = "app", .sandbox_id = "p1"});
  cri.add(fake::CriContainer{
      .id = "c2", .name = "done", .sandbox_id = "p1", .state = runtime::v1::CONTAINER_EXITED});
  connect();
  auto listing = list();
  ASSERT_TRUE(listing) << listing.error().message;
  ASSERT_EQ(listing->pods.size(), 1u);
  EXPECT_EQ(listing->pods[0].ns, "shop");
  EXPECT_EQ(listing->pods[0].uid, "u1");
  EXPECT_EQ(listing->pods[0].annotations.at("k"), "v");
  ASSERT_EQ(listing->containers.size(), 2u);
  EXPECT_EQ(listing->containers[1].facts.state, model::ContainerState::Stopped);

  auto details = detail({listing->containers[0]}, listing->pods);
  ASSERT_TRUE(details) << details.error().message;
  ASSERT_EQ(details->containers.size(), 1u);
  const model::ContainerFacts& facts = details->containers[0];
  EXPECT_EQ(facts.name, "app");
  EXPECT_EQ(facts.pid, 4711);
  EXPECT_EQ(facts.cgroups_path, "/kubepods/besteffort/pod1/c1");
  EXPECT_EQ(facts.base.cpu_quota_us, -1);
  EXPECT_EQ(facts.base.memory_limit, 134217728);
  EXPECT_EQ(facts.base.oom_score_adj, 1000);
  EXPECT_EQ(facts.base.unified.at("memory.oom.group"), "1");
  ASSERT_EQ(facts.mounts.size(), 1u);
  EXPECT_EQ(facts.mounts[0].source, "/host/data");
  ASSERT_EQ(details->pods.size(), 1u);
  EXPECT_EQ(details->pods[0].name, "web");
  EXPECT_EQ(details->pods[0].cgroup_parent, "/kubepods/besteffort/pod1");
  EXPECT_FALSE(details->pods[0].host_network);
}

TEST_F(CriClient, WhatWentAwayBetweenListAndStatusIsLeftOut) {
  fake::FakeCri cri(socket_);
  for (const char* id : {"c1", "c2", "c3"}) cri.add(fake::CriContainer{.id = id, .sandbox_id = "p1"});
  connect();
  auto listing = list();
  ASSERT_TRUE(listing);
  cri.loseStatusOf("c2");
  model::PodFacts gone;
  gone.sandbox_id = "p1";
  auto details = detail(listing->containers, {gone});
  ASSERT_TRUE(details) << details.error().message;
  EXPECT_EQ(details->containers.size(), 2u);
  EXPECT_TRUE(details->pods.empty());
}

TEST_F(CriClient, NobodyThereIsAnErrorWithinTheDeadline) {
  connect(300ms);
  auto start = std::chrono::steady_clock::now();
  auto listing = list();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  ASSERT_FALSE(listing);
  EXPECT_EQ(listing.error().code, ErrorCode::Unavailable);
  EXPECT_THAT(listing.error().message, HasSubstr(socket_));
}

TEST_F(CriClient, ASlowRuntimeCostsTheDeadlineAndNotTheLoop) {
  fake::FakeCri cri(socket_);
  cri.setDelay(20s);
  connect(200ms);
  bool turned = false;
  std::promise<ErrorCode> code;
  thread_.run([&] {
    ASSERT_TRUE(client_->list([&](Result<Listing> listing) { code.set_value(listing.error().code); }));
    EXPECT_EQ(client_->list([](Result<Listing>) {}).error().code, ErrorCode::FailedPrecondition);
    EXPECT_TRUE(client_->busy());
  });
  thread_.run([&] { turned = true; });
  EXPECT_TRUE(turned) << "the loop went on";
  EXPECT_EQ(code.get_future().get(), ErrorCode::DeadlineExceeded);
  cri.setDelay(0ms);
  EXPECT_TRUE(list()) << "the next question is another one";
}

TEST_F(CriClient, EndingWhileAQuestionIsUnderWayEndsItWithoutAnAnswer) {
  fake::FakeCri cri(socket_);
  cri.setDelay(20s);
  connect();
  bool answered = false;
  thread_.run([&] { ASSERT_TRUE(client_->list([&](Result<Listing>) { answered = true; })); });
  while (cri.calls() == 0) std::this_thread::sleep_for(5ms);
  auto start = std::chrono::steady_clock::now();
  thread_.run([&] { client_.reset(); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  thread_.run([] {});
  EXPECT_FALSE(answered);
}

TEST_F(CriClient, WhatTheRuntimeSaysInRefusalIsKept) {
  fake::FakeCri cri(socket_);
  cri.setFailing(true);
  connect();
  EXPECT_THAT(list().error().message, HasSubstr("server is not initialized yet"));
}

// A socket that takes the connection and says something else than HTTP/2.
TEST_F(CriClient, APeerThatSpeaksAnotherProtocolIsAnError) {
  base::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  socket_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 8), 0);
  std::thread peer([&] {
    base::UniqueFd fd(accept(listener.get(), nullptr, nullptr));
    EXPECT_GT(write(fd.get(), "HTTP/1.1 400 no\r\n\r\n", 19), 0);
  });
  connect(500ms);
  EXPECT_FALSE(list());
  peer.join();
}

}  // namespace
}  // namespace plimsoll::cri
