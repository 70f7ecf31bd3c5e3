#include "pkg/ttrpc/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::ttrpc {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Peer : MessageSink {
  void send(std::string_view message) override {
    auto request = decodeRequest(message.substr(kHeaderSize));
    ASSERT_TRUE(request);
    ids.push_back(decodeHeader(message).stream_id);
    methods.emplace_back(request->method);
    timeouts.push_back(request->timeout);
  }
  std::vector<uint32_t> ids;
  std::vector<std::string> methods;
  std::vector<std::chrono::nanoseconds> timeouts;
};

class ClientTest : public testing::Test {
 protected:
  void call(const std::string& method, std::chrono::milliseconds timeout = 5s, std::string payload = "") {
    client_.call({"svc", method}, payload, timeout, [this, method](Result<std::string_view> answer) {
      got_.push_back(method + "=" +
                     (answer ? std::string(*answer) : std::string(errorCodeName(answer.error().code))));
    });
  }

  std::unique_ptr<sys::EventLoop> loop_ = std::move(sys::EventLoop::create().value());
  Peer peer_;
  Client client_{*loop_, peer_};
  std::vector<std::string> got_;
};

TEST_F(ClientTest, IdsAreOddAndGrowAndTheTimeoutIsSent) {
  call("A");
  call("B");
  call("C");
  EXPECT_THAT(peer_.ids, ElementsAre(1u, 3u, 5u));
  EXPECT_THAT(peer_.timeouts, testing::Each(5s));
}

TEST_F(ClientTest, AnswersOutOfOrderFindTheirCalls) {
  call("A");
  call("B");
  client_.receive(*encodeResponse(3, "b"));
  client_.receive(*encodeResponse(1, "a"));
  EXPECT_THAT(got_, ElementsAre("B=b", "A=a"));
}

TEST_F(ClientTest, AnErrorStatusIsTheCallsError) {
  call("A");
  client_.receive(encodeError(1, {ErrorCode::PermissionDenied, "no"}));
  EXPECT_THAT(got_, ElementsAre("A=" + std::string(errorCodeName(ErrorCode::PermissionDenied))));
}

TEST_F(ClientTest, AnAnswerThatNeverComesEndsAtTheDeadlineAndALateOneIsIgnored) {
  call("A", 5ms);
  for (int i = 0; i < 100 && got_.empty(); ++i) loop_->runOnce(10ms);
  EXPECT_THAT(got_, ElementsAre("A=" + std::string(errorCodeName(ErrorCode::DeadlineExceeded))));
  client_.receive(*encodeResponse(1, "late"));
  EXPECT_EQ(got_.size(), 1u);
  EXPECT_EQ(client_.lateAnswers(), 1u);
}

TEST_F(ClientTest, ABrokenOrOversizeAnswerEndsItsCallOnly) {
  call("A");
  call("B");
  call("C");
  auto header = encodeHeader({.length = 2, .stream_id = 1, .type = 2});
  client_.receive(std::string(header.data(), header.size()) + "\xFF\xFF");
  header = encodeHeader({.length = kMaxData + 1, .stream_id = 3, .type = 2});
  client_.receive({header.data(), header.size()});
  client_.receive(std::string(kMaxData + 1, 'x'));
  client_.receive(*encodeResponse(5, "c"));
  EXPECT_THAT(got_, ElementsAre("A=" + std::string(errorCodeName(ErrorCode::Internal)),
                                "B=" + std::string(errorCodeName(ErrorCode::ResourceExhausted)), "C=c"));
  EXPECT_EQ(client_.protocolErrors(), 2u);
}

// Go's discard loop would leave the service reading nothing, without closing.
TEST_F(ClientTest, AnOversizeRequestIsNotSent) {
  call("A", 5s, std::string(kMaxData, 'x'));
  EXPECT_TRUE(peer_.ids.empty());
  EXPECT_THAT(got_, ElementsAre("A=" + std::string(errorCodeName(ErrorCode::ResourceExhausted))));
}

TEST_F(ClientTest, WaitingCallsAreBounded) {
  for (size_t i = 0; i <= Client::kMaxPending; ++i) call("A");
  EXPECT_EQ(peer_.ids.size(), Client::kMaxPending);
  EXPECT_EQ(got_.size(), 1u);
}

TEST_F(ClientTest, FailAllEndsEveryCallEvenIfOneCallsAgain) {
  call("A");
  client_.call({"svc", "B"}, "", 5s, [this](Result<std::string_view>) { call("again"); });
  client_.failAll({ErrorCode::Unavailable, "gone"});
  EXPECT_THAT(got_, ElementsAre("A=" + std::string(errorCodeName(ErrorCode::Unavailable))));
  EXPECT_EQ(client_.pending(), 1u);
}

}  // namespace
}  // namespace plimsoll::ttrpc
