// Attachments: order beside others, exchange, pins, devices that go away; TCX, classic filters, cgroups.
#include "pkg/bpfobj/link.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cstdlib>
#include <optional>

#include "tests/bpf/net.h"
#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::ClassicFilter;
using bpfobj::Direction;
using bpfobj::Link;
using bpfobj::Program;
using bpfobj::Traffic;

// Somebody else's program, which gives every packet the same verdict.
base::UniqueFd verdictProgram(int verdict) {
  const bpf_insn code[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  return base::UniqueFd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "decoy", "GPL", code, 2, nullptr));
}

class Links : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    auto loaded = Traffic::load({});
    ASSERT_TRUE(loaded) << loaded.error().message;
    traffic_.emplace(std::move(*loaded));
    slot_ = *traffic_->putEntity(4711, {});
    ASSERT_TRUE(traffic_->putLink(node_->pod_link, {slot_, kClassNormal, 1, kLinkPod}));
    sink_.emplace(node_->peer, Transport::Udp);
    socket_ = connectTo(node_->pod, *sink_, Transport::Udp);
    sendTen();  // neighbours are known from here on
  }
  int ours() { return *traffic_->program(Program::PodOut); }
  std::optional<Link> tcx(int program) {
    std::optional<Link> out;
    node_->host.run([&] {
      auto link = Link::attachTcx(program, node_->pod_link, Direction::Ingress);
      if (link)
        out = std::move(*link);
      else
        refused_ = link.error();
    });
    return out;
  }
  bool noTcx() const { return refused_ && refused_->code == base::ErrorCode::Unimplemented; }
  // Whether our program saw ten datagrams (and maybe a few packets of the kernel's own), and how many
  // arrived.
  std::pair<bool, uint64_t> sendTen() {
    uint64_t seen = traffic_->entity(slot_).egress.packets, arrived = sink_->bytes();
    for (int i = 0; i < 10; ++i) send(socket_.get(), "x", 1, 0);
    usleep(50'000);
    return {traffic_->entity(slot_).egress.packets - seen >= 10, sink_->bytes() - arrived};
  }
  using Counts = std::pair<bool, uint64_t>;

  std::optional<Node> node_;
  std::optional<Traffic> traffic_;
  std::optional<Sink> sink_;
  std::optional<base::Error> refused_;
  base::UniqueFd socket_;
  uint32_t slot_ = 0;
};

TEST_F(Links, OursComesFirstAndLetsOthersDecide) {
  for (int verdict : {TC_ACT_SHOT, TC_ACT_OK}) {
    base::UniqueFd decoy = verdictProgram(verdict);
    auto other = tcx(decoy.get());
    if (noTcx()) GTEST_SKIP() << refused_->message;
    auto link = tcx(ours());
    ASSERT_TRUE(other && link);
    EXPECT_EQ(sendTen(), (Counts{true, verdict == TC_ACT_OK ? 10u : 0u}));
  }
  EXPECT_EQ(sendTen(), (Counts{false, 10})) << "a link that is not pinned ends with its owner";
}

TEST_F(Links, AnExchangeKeepsTheLink) {
  base::UniqueFd nothing = verdictProgram(TC_ACT_UNSPEC);
  auto link = tcx(nothing.get());
  if (noTcx()) GTEST_SKIP() << refused_->message;
  ASSERT_TRUE(link);
  EXPECT_EQ(sendTen(), (Counts{false, 10}));
  auto before = link->info();
  ASSERT_TRUE(before);
  EXPECT_EQ(before->ifindex, node_->pod_link);
  ASSERT_TRUE(link->update(ours()));
  EXPECT_EQ(sendTen(), (Counts{true, 10}));
  EXPECT_EQ(link->info()->id, before->id);
  EXPECT_EQ(link->info()->program_id, *bpfobj::programId(ours()));
}

TEST_F(Links, TellsThatItsDeviceIsGone) {
  auto link = tcx(ours());
  if (noTcx()) GTEST_SKIP() << refused_->message;
  ASSERT_TRUE(link);
  EXPECT_EQ(node_->host.shell("PATH=$PATH:/usr/sbin:/sbin ip link del pod0"), 0);
  EXPECT_EQ(link->info()->ifindex, 0u);
  auto again = tcx(ours());
  EXPECT_FALSE(again);
  EXPECT_TRUE(refused_->isGone()) << refused_->message;
}

TEST_F(Links, APinOutlivesItsMakerAndIsFoundAgain) {
  std::thread worker([this] {
    char path[] = "/tmp/plimsoll-bpffs-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount("bpf", path, "bpf", 0, nullptr), 0);
    std::string pin = std::string(path) + "/link";
    {
      auto link = tcx(ours());
      ASSERT_TRUE(!link || link->pin(pin));
    }
    if (!noTcx()) {
      EXPECT_EQ(sendTen(), (Counts{true, 10}));
      auto found = Link::openPinned(pin);
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_TRUE(found->detach());
      EXPECT_EQ(sendTen(), (Counts{false, 10}));
      unlink(pin.c_str());
      auto gone = Link::openPinned(pin);
      EXPECT_TRUE(!gone && gone.error().isGone());
    }
    umount2(path, MNT_DETACH);
    rmdir(path);
  });
  worker.join();
}

TEST_F(Links, ClassicFiltersAreFoundAgainAndOnlyOursAreRemoved) {
  node_->host.run([this] {
    ClassicFilter place{node_->pod_link, Direction::Ingress};
    EXPECT_EQ(bpfobj::queryClassic(place).value(), std::nullopt) << "no clsact yet";
    EXPECT_TRUE(bpfobj::ensureClsact(node_->pod_link).value());
    EXPECT_FALSE(bpfobj::ensureClsact(node_->pod_link).value());
    EXPECT_EQ(bpfobj::queryClassic(place).value(), std::nullopt);
    base::UniqueFd nothing = verdictProgram(TC_ACT_UNSPEC);
    ASSERT_TRUE(bpfobj::attachClassic(place, nothing.get()));
    EXPECT_EQ(sendTen(), (Counts{false, 10}));
    auto attached = bpfobj::attachClassic(place, ours());
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_EQ(bpfobj::queryClassic(place).value(), *bpfobj::programId(ours()));
    EXPECT_EQ(sendTen(), (Counts{true, 10}));
    auto wrong = bpfobj::detachClassic(place, *bpfobj::programId(nothing.get()));
    EXPECT_EQ(wrong.error().code, base::ErrorCode::FailedPrecondition);
    EXPECT_EQ(sendTen(), (Counts{true, 10}));
    EXPECT_TRUE(bpfobj::detachClassic(place, *bpfobj::programId(ours())));
    EXPECT_TRUE(bpfobj::detachClassic(place, *bpfobj::programId(ours()))) << "twice is once";
    EXPECT_EQ(sendTen(), (Counts{false, 10}));
  });
}

TEST_F(Links, ACgroupsLinkEndsWithTheCgroup) {
  std::optional<Link> link;
  {
    TestCgroup cgroup("links");
    base::UniqueFd fd(open(cgroup.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto told = traffic_->putAttached(cgroup.id(), {slot_, 0});
    EXPECT_TRUE(!told && told.error().isGone()) << "nothing is attached yet";
    auto made =
        Link::attachCgroup(*traffic_->program(Program::CgroupOut), fd.get(), bpfobj::CgroupHook::SkbEgress);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(traffic_->putAttached(cgroup.id(), {slot_, 0}));
    EXPECT_EQ(made->info()->cgroup_id, cgroup.id());
    link = std::move(*made);
  }
  for (int i = 0; i < 50 && link->info()->cgroup_id != 0; ++i) usleep(20'000);  // a kernel worker does it
  EXPECT_EQ(link->info()->cgroup_id, 0u);
}

}  // namespace
}  // namespace plimsoll::testing
