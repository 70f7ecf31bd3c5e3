#include "pkg/netqos/queue_kinds.h"

#include <gtest/gtest.h>
#include <linux/pkt_sched.h>

#include "pkg/netqos/queues.h"
#include "pkg/rtnl/messages.h"

namespace plimsoll::netqos {
namespace {

rtnl::Queue made(std::string_view kind, uint32_t handle, uint32_t parent) {
  return {7, handle, parent, std::string(kind), queueKind(kind)->options()};
}

TEST(QueueKinds, WhatIsAskedForIsKnownAgain) {
  for (const char* name : {"fq", "prio", "pfifo_fast"}) {
    const QueueKind* kind = queueKind(name);
    ASSERT_NE(kind, nullptr);
    EXPECT_TRUE(kind->holds(kind->options())) << name;
  }
  EXPECT_EQ(queueKind("htb"), nullptr);
}

TEST(QueueKinds, AnFqWithoutBandsOrWithOtherWeightsIsNotOurs) {
  const QueueKind* fq = queueKind("fq");
  const std::string limit = rtnl::attribute(1, std::string("\x10\x27\0\0", 4));
  EXPECT_FALSE(fq->holds("")) << "before Linux 6.7";
  EXPECT_FALSE(fq->holds(limit));
  EXPECT_TRUE(fq->holds(limit + fq->options())) << "the kernel shows more than was asked";
  std::string other = fq->options();
  other.back() = static_cast<char>(other.back() + 1);
  EXPECT_FALSE(fq->holds(other));
  EXPECT_FALSE(fq->holds(fq->options().substr(0, 20))) << "cut off";
}

TEST(QueueKinds, APrioWithAnotherMapIsNotOurs) {
  const QueueKind* prio = queueKind("prio");
  std::string other = prio->options();
  other[4] = 2;
  EXPECT_FALSE(prio->holds(other));
  EXPECT_FALSE(prio->holds(prio->options().substr(1)));
}

TEST(QueueKinds, OursIsKnownByHandleKindAndOptions) {
  const rtnl::Queue ours = made("prio", kOurQueue, TC_H_ROOT);
  EXPECT_TRUE(isOurQueue(ours, {ours}));
  EXPECT_FALSE(isOurQueue(made("prio", 0x10000, TC_H_ROOT), {}));
  rtnl::Queue tbf = ours;
  tbf.kind = "tbf";
  EXPECT_FALSE(isOurQueue(tbf, {tbf}));
  rtnl::Queue changed = ours;
  changed.options[5] = 0;
  EXPECT_FALSE(isOurQueue(changed, {changed}));
}

TEST(QueueKinds, OfADeviceWithSeveralQueuesAllCount) {
  const rtnl::Queue root{7, kOurQueue, TC_H_ROOT, "mq", ""};
  const rtnl::Queue first = made("prio", kOurQueue + 0x10000, kOurQueue | 1);
  const rtnl::Queue by_kernel{7, 0, kOurQueue | 2, "pfifo_fast", ""};
  const rtnl::Queue others{7, 0x10000, kOurQueue | 2, "tbf", ""};
  rtnl::Queue elsewhere = others;
  elsewhere.ifindex = 8;
  EXPECT_TRUE(isOurQueue(root, {root, first, by_kernel, elsewhere}));
  EXPECT_FALSE(isOurQueue(root, {root, first, others}));
}

}  // namespace
}  // namespace plimsoll::netqos
