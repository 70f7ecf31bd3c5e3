#include "pkg/ttrpc/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace plimsoll::ttrpc {
namespace {

using namespace std::chrono_literals;

struct Answer {
  uint32_t id;
  ErrorCode code;  // 0: OK
  std::string text;
};
constexpr auto kOk = static_cast<ErrorCode>(0);

struct Peer : MessageSink {
  void send(std::string_view message) override {
    auto response = decodeResponse(message.substr(kHeaderSize));
    ASSERT_TRUE(response);
    ASSERT_EQ(decodeHeader(message).length, message.size() - kHeaderSize);
    uint32_t id = decodeHeader(message).stream_id;
    if (response->error) {
      answers.push_back({id, response->error->code, response->error->message});
    } else {
      answers.push_back({id, kOk, std::string(response->payload)});
    }
  }
  std::vector<Answer> answers;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    server_.handle("svc", "Echo", [this](const Call& call) -> Result<std::string> {
      timeout_ = call.timeout;
      return std::string(call.payload);
    });
    server_.handle("svc", "Fail", [](const Call&) -> Result<std::string> {
      return base::error(ErrorCode::NotFound, "no pod");
    });
    server_.handleDeferred("svc", "Later",
                           [this](const Call&, Reply reply) { held_.push_back(std::move(reply)); });
  }

  void receive(std::string_view bytes) { server_.receive(bytes, Clock::now()); }
  void request(uint32_t id, std::string_view service, std::string_view method,
               std::string_view payload = "") {
    receive(*encodeRequest(id, {.service = service, .method = method, .payload = payload, .timeout = 2s}));
  }
  void expectAnswer(uint32_t id, ErrorCode code, std::string_view text) {
    ASSERT_FALSE(peer_.answers.empty());
    EXPECT_EQ(peer_.answers.back().id, id);
    EXPECT_EQ(peer_.answers.back().code, code) << peer_.answers.back().text;
    EXPECT_THAT(peer_.answers.back().text, testing::HasSubstr(std::string(text)));
  }

  Peer peer_;
  Server server_{peer_};
  std::vector<Reply> held_;
  std::chrono::nanoseconds timeout_{};
};

TEST_F(ServerTest, AnswersWithTheHandlersPayloadOrError) {
  request(1, "svc", "Echo", "hello");
  expectAnswer(1, kOk, "hello");
  EXPECT_EQ(timeout_, 2s);
  request(3, "svc", "Fail");
  expectAnswer(3, ErrorCode::NotFound, "no pod");
}

// NRI 0.12 falls back to StateChange on exactly this code.
TEST_F(ServerTest, UnknownMethodAndServiceAreUnimplemented) {
  request(1, "svc", "Nope");
  expectAnswer(1, ErrorCode::Unimplemented, "method Nope");
  request(3, "other", "Echo");
  expectAnswer(3, ErrorCode::Unimplemented, "service other");
  request(5, "svc", std::string("\xFF\xFE"));
  expectAnswer(5, ErrorCode::Unimplemented, "method ??");
}

TEST_F(ServerTest, EvenAndReusedIdsAreRefusedAndTheConnectionGoesOn) {
  request(2, "svc", "Echo");
  expectAnswer(2, ErrorCode::InvalidArgument, "odd");
  request(5, "svc", "Echo", "a");
  request(5, "svc", "Echo", "b");
  expectAnswer(5, ErrorCode::InvalidArgument, "re-used");
  request(3, "svc", "Echo", "c");
  expectAnswer(3, ErrorCode::InvalidArgument, "re-used");
  request(7, "svc", "Echo", "d");
  expectAnswer(7, kOk, "d");
  EXPECT_EQ(server_.protocolErrors(), 3u);
}

TEST_F(ServerTest, DataWithoutAStreamIsRefused) {
  auto header = encodeHeader({.length = 1, .stream_id = 9, .type = static_cast<uint8_t>(MessageType::Data)});
  receive(std::string(header.data(), header.size()) + "x");
  expectAnswer(9, ErrorCode::InvalidArgument, "no longer active");
}

TEST_F(ServerTest, AnUndecodableRequestIsRefused) {
  auto header = encodeHeader({.length = 2, .stream_id = 1, .type = 1});
  receive(std::string(header.data(), header.size()) + "\xFF\xFF");
  expectAnswer(1, ErrorCode::InvalidArgument, "no valid message");
}

TEST_F(ServerTest, UnknownMessageTypesAndAnswersAreIgnored) {
  for (int type : {0, 2, 4, 255}) {
    auto header = encodeHeader({.length = 1, .stream_id = 1, .type = static_cast<uint8_t>(type)});
    receive(std::string(header.data(), header.size()) + "x");
  }
  EXPECT_TRUE(peer_.answers.empty());
  request(1, "svc", "Echo", "still here");
  expectAnswer(1, kOk, "still here");
}

TEST_F(ServerTest, AnOversizeRequestIsDiscardedAndAnswered) {
  auto header = encodeHeader({.length = kMaxData + 5, .stream_id = 1, .type = 1});
  receive({header.data(), header.size()});
  expectAnswer(1, ErrorCode::ResourceExhausted, "exceeds");
  receive(std::string(kMaxData + 5, 'x'));
  request(3, "svc", "Echo", "next");
  expectAnswer(3, kOk, "next");
}

TEST_F(ServerTest, AnOversizeAnswerBecomesAnErrorInsteadOfClosing) {
  server_.handle("svc", "Big",
                 [](const Call&) -> Result<std::string> { return std::string(kMaxData + 1, 'x'); });
  request(1, "svc", "Big");
  expectAnswer(1, ErrorCode::ResourceExhausted, "carries");
}

TEST_F(ServerTest, DeferredAnswersMayComeInAnyOrder) {
  request(1, "svc", "Later");
  request(3, "svc", "Later");
  EXPECT_TRUE(peer_.answers.empty());
  held_[1].send(std::string("second"));
  expectAnswer(3, kOk, "second");
  held_[0].send(std::string("first"));
  expectAnswer(1, kOk, "first");
  held_[0].send(std::string("again"));
  EXPECT_EQ(peer_.answers.size(), 2u) << "one answer for one request";
}

TEST_F(ServerTest, ADroppedReplyAnswersInternal) {
  request(1, "svc", "Later");
  held_.clear();
  expectAnswer(1, ErrorCode::Internal, "without an answer");
}

TEST_F(ServerTest, UnansweredCallsAreBounded) {
  for (uint32_t i = 0; i <= Server::kMaxUnanswered; ++i) request(2 * i + 1, "svc", "Later");
  EXPECT_EQ(held_.size(), Server::kMaxUnanswered);
  expectAnswer(2 * Server::kMaxUnanswered + 1, ErrorCode::ResourceExhausted, "too many");
}

TEST(Server, AReplyAfterTheServersEndDoesNothing) {
  Peer peer;
  std::optional<Reply> held;
  {
    Server server(peer);
    server.handleDeferred("svc", "Later", [&](const Call&, Reply reply) { held.emplace(std::move(reply)); });
    server.receive(*encodeRequest(1, {.service = "svc", .method = "Later"}), Clock::now());
  }
  ASSERT_TRUE(held);
  held->send(std::string("late"));
  EXPECT_TRUE(peer.answers.empty());
}

}  // namespace
}  // namespace plimsoll::ttrpc
