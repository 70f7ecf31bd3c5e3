#include "tests/support/fake_runtime/go_reader.h"

#include <gtest/gtest.h>

namespace plimsoll::fake {
namespace {

std::string message(size_t data_size) {
  auto header = ttrpc::encodeHeader({.length = static_cast<uint32_t>(data_size), .stream_id = 1, .type = 2});
  return std::string(header.data(), header.size()) + std::string(data_size, 'x');
}

bool readable(const std::string& bytes, std::initializer_list<size_t> cuts) {
  FrameQueue queue;
  size_t at = 0;
  for (size_t cut : cuts) {
    if (!queue.push(bytes.substr(at, cut))) return false;
    at += cut;
  }
  if (at < bytes.size() && !queue.push(bytes.substr(at))) return false;
  queue.close("end");
  GoReader reader(queue);
  auto got = reader.next();
  return got && got->data.size() + ttrpc::kHeaderSize == bytes.size();
}

// The table of what Go's runtime can read, by how a message is cut.
TEST(GoReader, ReadsAndFailsAsGoDoes) {
  EXPECT_TRUE(readable(message(4086), {})) << "one frame of 4096";
  EXPECT_FALSE(readable(message(4087), {})) << "one frame of 4097: ENOMEM";
  EXPECT_TRUE(readable(message(100'000), {4096})) << "4096 and the rest";
  EXPECT_TRUE(readable(message(100'000), {10})) << "header, payload";
  EXPECT_FALSE(readable(message(100'000), {4097})) << "a first frame beyond the buffer";
  EXPECT_TRUE(readable(message(5000), {4096})) << "a short rest";
}

TEST(FrameQueue, OverflowsAt256Frames) {
  FrameQueue queue;
  for (size_t i = 0; i < kGoQueueFrames; ++i) EXPECT_TRUE(queue.push("x"));
  EXPECT_FALSE(queue.push("x"));
}

}  // namespace
}  // namespace plimsoll::fake
