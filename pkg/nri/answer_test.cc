#include "pkg/nri/answer.h"

#include <gtest/gtest.h>

namespace plimsoll::nri {
namespace {

using base::ErrorCode;

TEST(EncodeMessage, TakesUtf8AndRefusesOtherBytes) {
  api::ContainerEviction message;
  message.set_reason("gr\xC3\xBC\xC3\x9F");
  auto bytes = encodeMessage(message);
  ASSERT_TRUE(bytes);
  api::ContainerEviction back;
  ASSERT_TRUE(back.ParseFromString(*bytes));
  EXPECT_EQ(back.reason(), message.reason());
  message.set_reason("gr\xFC\xDF");
  EXPECT_EQ(encodeMessage(message).error().code, ErrorCode::Internal);
}

TEST(EncodeMessage, NumbersWithHighBytesAreNoBadText) {
  api::HugepageLimit message;
  message.set_page_size("2MB");
  message.set_limit(UINT64_MAX);
  EXPECT_TRUE(encodeMessage(message));
}

TEST(EncodeMessage, RefusesWhatDoesNotFitATtrpcMessage) {
  api::ContainerEviction message;
  message.set_reason(std::string((4U << 20) - 100, 'x'));
  EXPECT_TRUE(encodeMessage(message));
  message.set_reason(std::string(4U << 20, 'x'));
  EXPECT_EQ(encodeMessage(message).error().code, ErrorCode::ResourceExhausted);
}

TEST(DropNamelessUpdates, KeepsTheOthersInOrder) {
  api::StopContainerResponse answer;
  for (const char* id : {"a", "", "b", "", "", "c"}) answer.add_update()->set_container_id(id);
  EXPECT_EQ(dropNamelessUpdates(*answer.mutable_update()), 3u);
  ASSERT_EQ(answer.update_size(), 3);
  EXPECT_EQ(answer.update(0).container_id(), "a");
  EXPECT_EQ(answer.update(1).container_id(), "b");
  EXPECT_EQ(answer.update(2).container_id(), "c");
}

TEST(CheckNoUpdateOf, FindsTheContainerBeingCreated) {
  api::CreateContainerResponse answer;
  answer.add_update()->set_container_id("other");
  EXPECT_TRUE(checkNoUpdateOf("me", answer));
  answer.add_update()->set_container_id("me");
  EXPECT_EQ(checkNoUpdateOf("me", answer).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace plimsoll::nri
