#include "pkg/nri/mux.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace plimsoll::nri {
namespace {

std::string frame(uint32_t stream, std::string_view payload) {
  auto header = encodeMuxHeader(stream, static_cast<uint32_t>(payload.size()));
  return std::string(header.data(), header.size()) + std::string(payload);
}

TEST(Mux, HeaderIsIdAndLengthBigEndian) {
  auto header = encodeMuxHeader(0x01020304, 0xA0B0C0D0);
  EXPECT_EQ(std::string(header.data(), 8), "\x01\x02\x03\x04\xA0\xB0\xC0\xD0");
}

// 4096 is the size of Go's buffer; beyond it, the first frame must be exactly that.
TEST(Mux, AMessageIsOneFrameUpTo4096BytesElse4096AndTheRest) {
  EXPECT_EQ(firstFrameSize(1), 1u);
  EXPECT_EQ(firstFrameSize(4095), 4095u);
  EXPECT_EQ(firstFrameSize(4096), 4096u);
  EXPECT_EQ(firstFrameSize(4097), 4096u);
  EXPECT_EQ(firstFrameSize(4194314), 4096u);
}

TEST(MuxReader, EachStreamGetsItsBytesHoweverTheyAreCut) {
  std::string bytes =
      frame(1, "hello ") + frame(2, "other") + frame(1, "") + frame(9, "unknown") + frame(1, "world");
  for (size_t cut = 1; cut <= bytes.size(); ++cut) {
    std::map<uint32_t, std::string> got;
    MuxReader reader;
    for (size_t at = 0; at < bytes.size(); at += cut) {
      ASSERT_TRUE(reader.push(std::string_view(bytes).substr(at, cut),
                              [&](uint32_t stream, std::string_view piece) { got[stream] += piece; }));
    }
    EXPECT_EQ(got[1], "hello world") << cut;
    EXPECT_EQ(got[2], "other") << cut;
    EXPECT_EQ(got[9], "unknown") << cut;
  }
}

TEST(MuxReader, AFrameOverTheLimitIsAProtocolError) {
  MuxReader reader;
  auto ignore = [](uint32_t, std::string_view) {};
  auto largest = encodeMuxHeader(1, kMuxMaxFrame);
  EXPECT_TRUE(reader.push({largest.data(), largest.size()}, ignore));
  MuxReader other;
  auto larger = encodeMuxHeader(1, kMuxMaxFrame + 1);
  EXPECT_EQ(other.push({larger.data(), larger.size()}, ignore).error().code,
            base::ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace plimsoll::nri
