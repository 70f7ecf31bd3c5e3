// Whose namespace a process is in, against the kernel itself. Needs root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/netns/membership.h"
#include "pkg/netns/test_pod.h"
#include "tests/support/planned.h"

namespace plimsoll::netns {
namespace {

using base::ErrorCode;
using model::State;
using testing::HasSubstr;
using testing_support::planned;

Status anybody(std::string_view) { return base::ok(); }

class MembershipKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    if (!Pod("true", CLONE_NEWIPC).good()) GTEST_SKIP() << "no IPC namespace can be made here";
  }
  mechanism::Applied seen(pid_t process, pid_t sandbox, const Belongs& belongs = anybody) {
    auto access = openMembership(roots_, {process, belongs}, sandbox);
    if (!access) {
      ADD_FAILURE() << access.error().message;
      return {};
    }
    return mechanism::applySetting(**access, planned("namespace.ipc", "private"));
  }
  sys::HostRoots roots_;
};

TEST_F(MembershipKernelTest, ItsOwnIsNeitherThePodsNorTheNodes) {
  Pod pod("true", CLONE_NEWIPC), container("true", CLONE_NEWIPC);
  const auto applied = seen(container.pid(), pod.pid());
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  EXPECT_EQ(applied.actual, "private");
  EXPECT_FALSE(applied.written);
}

TEST_F(MembershipKernelTest, SharedWithThePodOrTheNodeIsShownAndCannotBeWritten) {
  Pod pod("true", CLONE_NEWIPC);
  auto applied = seen(pod.pid(), pod.pid());
  EXPECT_EQ(applied.state, State::Unsupported);
  EXPECT_EQ(applied.actual, "\"pod\"");
  EXPECT_THAT(applied.reason, HasSubstr("only the runtime"));
  applied = seen(getpid(), pod.pid());
  EXPECT_EQ(applied.state, State::Unsupported);
  EXPECT_EQ(applied.actual, "\"node\"");
}

TEST_F(MembershipKernelTest, WithoutThePodsProcessItIsNotGuessed) {
  Pod container("true", CLONE_NEWIPC);
  const auto applied = seen(container.pid(), 0);
  EXPECT_EQ(applied.state, State::Unsupported);
  EXPECT_FALSE(applied.actual);
  EXPECT_THAT(applied.reason, HasSubstr("does not say which process"));
}

TEST_F(MembershipKernelTest, AProcessThatIsAnotherContainersIsNotLookedAt) {
  Pod pod("true", CLONE_NEWIPC), container("true", CLONE_NEWIPC);
  const auto applied = seen(container.pid(), pod.pid(), [](std::string_view) -> Status {
    return base::error(ErrorCode::NotFound, "its number was another's");
  });
  EXPECT_EQ(applied.state, State::Failed);
  EXPECT_TRUE(applied.gone);
}

TEST_F(MembershipKernelTest, AProcessThatEndedIsGone) {
  Pod pod("true", CLONE_NEWIPC), container("true", CLONE_NEWIPC);
  auto access = openMembership(roots_, {container.pid(), anybody}, pod.pid());
  ASSERT_TRUE(access);
  container.end();
  EXPECT_TRUE((*access)->gone());
  auto text = (*access)->read(planned("namespace.ipc", "private"));
  ASSERT_FALSE(text);
  EXPECT_TRUE(text.error().isGone()) << text.error().message;
}

}  // namespace
}  // namespace plimsoll::netns
