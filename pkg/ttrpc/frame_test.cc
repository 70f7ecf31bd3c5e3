#include "pkg/ttrpc/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::ttrpc {
namespace {

using testing::ElementsAre;

struct Recorder : FrameSink {
  void onFrame(const FrameHeader& header, std::string_view data) override {
    frames.emplace_back(header.stream_id, data);
    types.push_back(header.type);
  }
  void onOversize(const FrameHeader& header) override { oversize.push_back(header.length); }

  std::vector<std::pair<uint32_t, std::string>> frames;
  std::vector<uint8_t> types;
  std::vector<uint32_t> oversize;
};

std::string frame(uint32_t id, std::string_view data, MessageType type = MessageType::Request) {
  auto header = encodeHeader({static_cast<uint32_t>(data.size()), id, static_cast<uint8_t>(type), 0});
  return std::string(header.data(), header.size()) + std::string(data);
}

TEST(Frame, HeaderIsBigEndianWithTypeAndFlagsLast) {
  auto header = encodeHeader({.length = 0x00010203, .stream_id = 0xA0B0C0D0, .type = 2, .flags = 4});
  EXPECT_EQ(std::string(header.data(), header.size()),
            std::string("\x00\x01\x02\x03\xA0\xB0\xC0\xD0\x02\x04", 10));
  FrameHeader back = decodeHeader({header.data(), header.size()});
  EXPECT_EQ(back.length, 0x00010203u);
  EXPECT_EQ(back.stream_id, 0xA0B0C0D0u);
  EXPECT_EQ(back.type, 2);
  EXPECT_EQ(back.flags, 4);
}

TEST(FrameReader, GivesTheSameFramesHoweverTheBytesAreCut) {
  std::string bytes = frame(1, "one") + frame(3, "") + frame(5, std::string(300, 'x'));
  for (size_t cut = 1; cut <= bytes.size(); ++cut) {
    Recorder got;
    FrameReader reader(got);
    for (size_t at = 0; at < bytes.size(); at += cut) reader.push(std::string_view(bytes).substr(at, cut));
    ASSERT_EQ(got.frames.size(), 3u) << "cut into pieces of " << cut;
    EXPECT_EQ(got.frames[0], std::pair(1u, std::string("one")));
    EXPECT_EQ(got.frames[1], std::pair(3u, std::string()));
    EXPECT_EQ(got.frames[2].second.size(), 300u);
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

TEST(FrameReader, EveryTruncatedFrameWaitsForTheRest) {
  std::string bytes = frame(7, "payload");
  for (size_t size = 0; size < bytes.size(); ++size) {
    Recorder got;
    FrameReader reader(got);
    reader.push(std::string_view(bytes).substr(0, size));
    EXPECT_TRUE(got.frames.empty());
    EXPECT_EQ(reader.buffered(), size);
  }
}

TEST(FrameReader, AnOversizeFrameIsReportedAndSkippedAndTheNextOneRead) {
  std::string huge = frame(1, std::string(kMaxData + 1, 'x'));
  for (size_t cut : {size_t{1000}, size_t{7}, size_t{1} << 20}) {
    Recorder got;
    FrameReader reader(got);
    std::string bytes = huge + frame(3, "next");
    for (size_t at = 0; at < bytes.size(); at += cut) reader.push(std::string_view(bytes).substr(at, cut));
    EXPECT_THAT(got.oversize, ElementsAre(kMaxData + 1));
    ASSERT_EQ(got.frames.size(), 1u);
    EXPECT_EQ(got.frames[0].second, "next");
  }
}

TEST(FrameReader, TheLargestFrameIsRead) {
  Recorder got;
  FrameReader reader(got);
  reader.push(frame(1, std::string(kMaxData, 'x')));
  ASSERT_EQ(got.frames.size(), 1u);
  EXPECT_EQ(got.frames[0].second.size(), kMaxData);
}

TEST(FrameReader, AnAnnouncedLengthCostsNoMemory) {
  Recorder got;
  FrameReader reader(got);
  auto header = encodeHeader({.length = kMaxData, .stream_id = 1, .type = 1});
  reader.push({header.data(), header.size()});
  reader.push("ab");
  EXPECT_EQ(reader.buffered(), kHeaderSize + 2);
}

}  // namespace
}  // namespace plimsoll::ttrpc
