#include "pkg/api/history.h"

#include <gtest/gtest.h>

namespace plimsoll::api {
namespace {

using base::ErrorCode;

journal::Record recordOf() {
  journal::Record record;
  record.sequence = 42;
  record.op = journal::Op::Left;
  record.change.owner = {"shop", "web-0", "uid", "app", "id"};
  record.change.place = "/kubepods/app";
  record.change.place_id = 4711;
  record.change.object = record.change.key = "cpu.weight";
  record.change.ours = std::string("2\xff") + std::string(5000, 'x');
  record.change.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1500));
  record.note = "why";
  return record;
}

TEST(History, ARecordAsAMessage) {
  pb::HistoryEntry entry;
  toProto(recordOf(), &entry);
  EXPECT_EQ(entry.sequence(), 42u);
  EXPECT_EQ(entry.op(), pb::HISTORY_OP_LEFT);
  EXPECT_EQ(entry.time().seconds(), 1);
  EXPECT_EQ(entry.time().nanos(), 500'000'000);
  EXPECT_EQ(entry.pod(), "web-0");
  EXPECT_EQ(entry.place_id(), 4711u);
  EXPECT_FALSE(entry.has_found()) << "not known is not empty";
  EXPECT_EQ(entry.ours().substr(0, 4), "2\xef\xbf\xbd");
  EXPECT_LT(entry.ours().size(), 2000u);
}

TEST(History, OperationsOfALaterVersionAreUnspecified) {
  journal::Record record = recordOf();
  record.op = static_cast<journal::Op>(77);
  pb::HistoryEntry entry;
  toProto(record, &entry);
  EXPECT_EQ(entry.op(), pb::HISTORY_OP_UNSPECIFIED);
}

TEST(History, Requests) {
  pb::GetHistoryRequest request;
  EXPECT_EQ(historyQuery(request)->limit, 1000u);
  request.set_limit(5);
  EXPECT_EQ(historyQuery(request)->limit, 5u);
  request.set_limit(1'000'000);
  EXPECT_EQ(historyQuery(request)->limit, 1000u);
  request.set_pod("web-0");
  EXPECT_EQ(historyQuery(request).error().code, ErrorCode::InvalidArgument);
  request.set_namespace_("shop");
  EXPECT_EQ(historyQuery(request)->pod, "web-0");
  request.clear_pod();
  request.set_container("app");
  EXPECT_EQ(historyQuery(request).error().code, ErrorCode::InvalidArgument);
  request.clear_container();
  request.set_limit(-1);
  EXPECT_EQ(historyQuery(request).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace plimsoll::api
