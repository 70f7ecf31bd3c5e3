// What the engine may not exceed: its capabilities, its room, a class's share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "pkg/netqos/place_files.h"
#include "pkg/netqos/release.h"
#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Engine;
using netqos::Mode;
using std::chrono::milliseconds;
using ::testing::IsEmpty;

// `work` in a child that has only `capabilities`; what it returns is shown.
std::string withOnly(std::initializer_list<int> capabilities, const std::function<std::string()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return "pipe";
  pid_t child = fork();
  if (child == 0) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    for (int capability : capabilities) {
      data[CAP_TO_INDEX(capability)].effective |= CAP_TO_MASK(capability);
      data[CAP_TO_INDEX(capability)].permitted |= CAP_TO_MASK(capability);
    }
    syscall(SYS_capset, &header, data);
    std::string said = work();
    (void)!write(ends[1], said.data(), said.size());
    _exit(0);
  }
  close(ends[1]);
  std::string out(4096, '\0');
  ssize_t got = read(ends[0], out.data(), out.size());
  close(ends[0]);
  waitpid(child, nullptr, 0);
  out.resize(got < 0 ? 0 : got);
  return out;
}

class Bounds : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    pod_.emplace("bounds");
  }
  std::optional<Node> node_;
  std::optional<TestCgroup> pod_;
};

TEST_F(Bounds, ThreeCapabilitiesAreEnoughToAttachRepairAndRelease) {
  TestContainer first(*pod_, "first", &node_->pod);
  onNode(node_->host, [&](const std::string& bpffs) {
    EXPECT_EQ(
        withOnly(
            {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON},
            [&]() -> std::string {
              auto engine = Engine::start(optionsFor(bpffs));
              if (!engine) return engine.error().message;
              for (auto [key, text] : {std::pair("net.priority", "high"), std::pair("net.egress.rate", "1G"),
                                       std::pair("net.pod.ingress.rate", "1G")})
                if (auto said = apply(**engine, first.subject(), key, text); said != "Applied") return said;
              auto mode = (*engine)->modeOf(first.cgroup.id());
              if (mode.mode != (*engine)->report().mode) return mode.reason;
              unlink((bpffs + "/plimsoll/v1/device-" + std::to_string(node_->pod_link) + "-pod_out").c_str());
              usleep(100'000);
              if ((*engine)->reconcile().failed != 0) return "a repair failed";
              engine->reset();
              engine = Engine::start(optionsFor(bpffs));
              if (!engine) return engine.error().message;
              engine->reset();
              std::string problems;
              for (const auto& row : netqos::release(optionsFor(bpffs), netqos::ReleaseMode::Release))
                problems += row.problem;
              return "fine" + problems;
            }),
        "fine");
    EXPECT_NE(access((bpffs + "/plimsoll").c_str(), F_OK), 0);
  });
}

TEST_F(Bounds, AMissingCapabilityIsAnErrorAndNothingIsLeft) {
  onNode(node_->host, [&](const std::string& bpffs) {
    for (auto some : {std::initializer_list<int>{CAP_BPF, CAP_PERFMON}, {CAP_NET_ADMIN, CAP_PERFMON}}) {
      EXPECT_EQ(
          withOnly(some,
                   [&]() -> std::string {
                     auto engine = Engine::start(optionsFor(bpffs));
                     if (engine)
                       return (*engine)->report().uplinks.at(0).problem.empty() ? "attached" : "refused";
                     return engine.error().code == base::ErrorCode::PermissionDenied ? "refused"
                                                                                     : engine.error().message;
                   }),
          "refused");
      netqos::release(optionsFor(bpffs), netqos::ReleaseMode::Release);
    }
  });
}

TEST_F(Bounds, WithoutABpffsNothingStartsAndNothingIsMade) {
  onNode(node_->host, [&](const std::string&) {
    char folder[] = "/tmp/plimsoll-no-bpffs-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    auto engine = Engine::start(optionsFor(folder));
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, base::ErrorCode::FailedPrecondition);
    EXPECT_EQ(engine.error().message, std::string("no bpffs is mounted at ") + folder);
    EXPECT_THAT(netqos::release(optionsFor(folder), netqos::ReleaseMode::Release), IsEmpty());
    EXPECT_EQ(rmdir(folder), 0);
  });
}

// Without pins everything works, as long as it lasts.
TEST_F(Bounds, WithoutPinsEverythingEndsWithTheEngine) {
  TestContainer first(*pod_, "first", &node_->pod);
  onNode(node_->host, [&](const std::string&) {
    auto engine = Engine::start(optionsFor(""));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first.subject(), "net.priority", "high"), "Applied");
    EXPECT_EQ((*engine)->modeOf(first.cgroup.id()).mode, (*engine)->report().mode);
    EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    ASSERT_EQ(apply(**engine, first.subject(), "net.priority", "normal"), "Applied");
    EXPECT_EQ((*engine)->report().pods, 0u);
  });
}

// Cgroups alone: what is counted here is room in the maps and what is left there.
struct CheapPod {
  CheapPod(const TestCgroup& parent, int number)
      : pod(parent.path() + "/pod" + std::to_string(number)),
        first(pod.path() + "/a"),
        second(pod.path() + "/b") {}
  netqos::Subject subject(const TestCgroup& container) const {
    auto below = [](const std::string& path) { return path.substr(cgroup2Mount().size()); };
    netqos::Subject out;
    out.container = {below(container.path()), container.id()};
    out.pod = {below(pod.path()), pod.id()};
    return out;
  }
  TestCgroup pod, first, second;
};

TEST_F(Bounds, FiveHundredPodsWithTwoContainersFitTwiceOneAfterTheOther) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    for (int round = 0; round < 2; ++round) {
      std::vector<std::unique_ptr<CheapPod>> pods;
      for (int i = 0; i < 512; ++i) {
        pods.push_back(std::make_unique<CheapPod>(*pod_, i));
        for (const TestCgroup* container : {&pods.back()->first, &pods.back()->second})
          ASSERT_EQ(apply(**engine, pods.back()->subject(*container), "net.pod.egress.rate", "10M"),
                    "Applied")
              << i;
      }
      EXPECT_EQ((*engine)->report().pods, 512u);
      EXPECT_EQ((*engine)->report().containers, 1024u);
      for (const auto& pod : pods) ASSERT_EQ((*engine)->countsOf(pod->pod.id())->egress.packets, 0u);
      if (round == 0) {  // as if these had sent something
        pods[7]->first.enter();
        Sink sink(node_->peer, Transport::Udp);
        base::UniqueFd socket = connectTo(node_->host, sink, Transport::Udp);
        (void)!send(socket.get(), "x", 1, 0);
        EXPECT_EQ((*engine)->countsOf(pods[7]->pod.id())->egress.packets, 1u);
      }
      pods.clear();
      EXPECT_EQ((*engine)->reconcile().forgotten, 3 * 512u);
      EXPECT_EQ((*engine)->report().pods, 0u);
      EXPECT_THAT(netqos::pinnedPlaces(bpffs + "/plimsoll/v1"),
                  ::testing::SizeIs((*engine)->report().mode == Mode::LinkTcx ? 1 : 0))
          << "the uplink's, unless it is a filter";
    }
  });
}

TEST_F(Bounds, MoreThanThereIsRoomForIsAnError) {
  onNode(node_->host, [&](const std::string& bpffs) {
    netqos::Options options = optionsFor(bpffs);
    options.pods = 2;
    options.containers = 2;
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    std::vector<std::unique_ptr<CheapPod>> pods;
    std::string said = "Applied";
    for (int i = 0; i < 64 && said == "Applied"; ++i) {
      pods.push_back(std::make_unique<CheapPod>(*pod_, i));
      said = apply(**engine, pods.back()->subject(pods.back()->first), "net.priority", "high");
    }
    EXPECT_THAT(said, ::testing::HasSubstr("no room"));
    EXPECT_GE(pods.size(), 3u);
    EXPECT_EQ(show(**engine, pods.front()->subject(pods.front()->first), "net.priority"), "high");
  });
}

TEST_F(Bounds, AWeightIsAShareOfTheClassesRoom) {
  TestContainer light(*pod_, "light", &node_->pod), heavy(*pod_, "heavy", &node_->pod);
  onNode(node_->host, [&](const std::string& bpffs) {
    netqos::Options options = optionsFor(bpffs);
    options.line.bits_per_second = 200'000'000;
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    if (!(*engine)->report().pacing) GTEST_SKIP() << (*engine)->report().no_pacing;
    for (const TestContainer* each : {&light, &heavy})
      ASSERT_EQ(apply(**engine, each->subject(), "net.priority", "besteffort"), "Applied");
    ASSERT_EQ(apply(**engine, heavy.subject(), "net.weight", "300"), "Applied");
    Sink light_sink(node_->peer, Transport::Tcp), heavy_sink(node_->peer, Transport::Tcp);
    light.cgroup.enter();
    base::UniqueFd light_socket = connectTo(node_->pod, light_sink, Transport::Tcp);
    heavy.cgroup.enter();
    base::UniqueFd heavy_socket = connectTo(node_->pod, heavy_sink, Transport::Tcp);
    auto both = [&](milliseconds time) {
      std::thread other([&] { sendFor(light_socket.get(), time); });
      sendFor(heavy_socket.get(), time);
      other.join();
    };
    both(milliseconds(1000));
    const uint64_t light_before = light_sink.bytes(), heavy_before = heavy_sink.bytes();
    both(milliseconds(2000));
    const double light_bytes = static_cast<double>(light_sink.bytes() - light_before);
    const double heavy_bytes = static_cast<double>(heavy_sink.bytes() - heavy_before);
    EXPECT_NEAR(heavy_bytes / light_bytes, 3.0, 0.6);
    const double megabits = (light_bytes + heavy_bytes) * 8 * 1514 / 1448 / 2e6;
    EXPECT_NEAR(megabits, 190, 19);
  });
}

}  // namespace
}  // namespace plimsoll::testing
