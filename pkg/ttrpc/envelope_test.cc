#include "pkg/ttrpc/envelope.h"

#include <gtest/gtest.h>

namespace plimsoll::ttrpc {
namespace {

using namespace std::chrono_literals;

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out.push_back(static_cast<char>(value));
  return out;
}

std::string_view body(std::string_view message) { return message.substr(kHeaderSize); }

// Worked out by hand from the field numbers; what Go's client writes.
const std::string kRequestBytes = bytes({0x0A, 1, 's', 0x12, 1, 'm', 0x1A, 2, 'p', 'q', 0x20, 0xAC, 0x02});

TEST(Envelope, RequestHasTheWireFormOfGo) {
  auto message = encodeRequest(5, {.service = "s", .method = "m", .payload = "pq", .timeout = 300ns});
  ASSERT_TRUE(message);
  EXPECT_EQ(body(*message), kRequestBytes);
  FrameHeader header = decodeHeader(*message);
  EXPECT_EQ(header.length, kRequestBytes.size());
  EXPECT_EQ(header.stream_id, 5u);
  EXPECT_EQ(header.type, static_cast<uint8_t>(MessageType::Request));
  EXPECT_EQ(header.flags, 0);
}

TEST(Envelope, RequestIsReadBackAndUnknownFieldsAndMetadataAreSkipped) {
  std::string metadata = bytes({0x2A, 6, 0x0A, 1, 'k', 0x12, 1, 'v'});
  std::string unknown =
      bytes({0x78, 1, 0x81, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x8D, 1, 1, 2, 3, 4, 0x9A, 1, 1, 'z'});
  std::string data = metadata + kRequestBytes + unknown + metadata;
  auto request = decodeRequest(data);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->service, "s");
  EXPECT_EQ(request->method, "m");
  EXPECT_EQ(request->payload, "pq");
  EXPECT_EQ(request->timeout, 300ns);
}

TEST(Envelope, ANegativeTimeoutIsNone) {
  auto request = decodeRequest(bytes({0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->timeout, 0ns);
}

TEST(Envelope, EveryTruncatedRequestIsRefusedOrEndsAtAField) {
  for (size_t size = 0; size < kRequestBytes.size(); ++size) {
    bool at_field = size == 0 || size == 3 || size == 6 || size == 10;
    EXPECT_EQ(decodeRequest(kRequestBytes.substr(0, size)).has_value(), at_field) << size;
  }
}

TEST(Envelope, BrokenWireDataAreRefused) {
  EXPECT_FALSE(decodeRequest(bytes({0x00, 0x00}))) << "field number 0";
  EXPECT_FALSE(decodeRequest(bytes({0x0B}))) << "a group";
  EXPECT_FALSE(decodeRequest(bytes({0x0F}))) << "no such wire type";
  EXPECT_FALSE(decodeRequest(bytes({0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 'x'})));
  EXPECT_FALSE(decodeRequest(std::string(11, '\xFF'))) << "a varint without an end";
  EXPECT_FALSE(decodeResponse(bytes({0x0A, 2, 0x12, 9}))) << "a broken status";
}

TEST(Envelope, ResponseCarriesThePayload) {
  auto message = encodeResponse(9, "data");
  ASSERT_TRUE(message);
  EXPECT_EQ(decodeHeader(*message).type, static_cast<uint8_t>(MessageType::Response));
  EXPECT_EQ(body(*message), bytes({0x12, 4}) + "data");
  auto response = decodeResponse(body(*message));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->error);
  EXPECT_EQ(response->payload, "data");
}

TEST(Envelope, AnEmptyAnswerHasNoBody) { EXPECT_EQ(encodeResponse(1, "")->size(), kHeaderSize); }

TEST(Envelope, AnErrorHasAStatusAndNoPayload) {
  std::string message = encodeError(3, {ErrorCode::Unimplemented, "method X"});
  EXPECT_EQ(body(message), bytes({0x0A, 12, 0x08, 12, 0x12, 8}) + "method X");
  auto response = decodeResponse(body(message));
  ASSERT_TRUE(response && response->error);
  EXPECT_EQ(response->error->code, ErrorCode::Unimplemented);
  EXPECT_EQ(response->error->message, "method X");
  EXPECT_EQ(response->payload, "");
}

TEST(Envelope, AnErrorsTextIsCutAndMadeValidUtf8) {
  std::string message = encodeError(1, {ErrorCode::Internal, "bad \xFF byte"});
  EXPECT_EQ(decodeResponse(body(message))->error->message, "bad ? byte");
  message = encodeError(1, {ErrorCode::Internal, std::string(1 << 20, 'x')});
  EXPECT_EQ(decodeResponse(body(message))->error->message.size(), kMaxErrorText);
}

TEST(Envelope, AMessageOverTheLimitIsRefusedHere) {
  EXPECT_EQ(encodeResponse(1, std::string(kMaxData, 'x')).error().code, ErrorCode::ResourceExhausted);
  EXPECT_EQ(encodeRequest(1, {.payload = std::string(kMaxData, 'x')}).error().code,
            ErrorCode::ResourceExhausted);
  EXPECT_TRUE(encodeResponse(1, std::string(kMaxData - 16, 'x')));
}

TEST(ToUtf8, KeepsWhatIsValidAndReplacesTheRest) {
  EXPECT_EQ(toUtf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
  EXPECT_EQ(toUtf8("\xC0\x80"), "??") << "overlong";
  EXPECT_EQ(toUtf8("\xE0\x80\x80"), "???") << "overlong";
  EXPECT_EQ(toUtf8("\xED\xA0\x80"), "???") << "surrogate";
  EXPECT_EQ(toUtf8("\xF4\x90\x80\x80"), "????") << "beyond U+10FFFF";
  EXPECT_EQ(toUtf8("\xE2\x82"), "??") << "cut";
}

}  // namespace
}  // namespace plimsoll::ttrpc
