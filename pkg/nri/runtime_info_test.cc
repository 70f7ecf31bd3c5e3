#include "pkg/nri/runtime_info.h"

#include <gtest/gtest.h>

namespace plimsoll::nri {
namespace {

struct Case {
  const char* name;
  const char* version;
  const char* nri_version;
  const char* level;
};

TEST(RuntimeInfo, TheLevelComesFromTheTextElseFromTheRelease) {
  const Case cases[] = {
      {"containerd", "1.7.0", "", "0.3.0"},
      {"containerd", "1.7.7", "", "0.4.0"},
      {"containerd", "v1.7.15", "", "0.6.0"},
      {"containerd", "1.7.24~ds1", "", "0.6.1"},  // Debian 13
      {"containerd", "1.7.24-12-gabcdef.m", "", "0.6.1"},
      {"containerd", "v1.7.26", "", "0.8.0"},
      {"containerd", "2.0.0", "", "0.8.0"},
      {"containerd", "2.1.9+ds1", "", "0.8.0"},  // Debian sid
      {"containerd", "v2.2.0-rc.1", "", "0.8.0"},
      {"containerd", "2.2.0", "", "0.10.0"},
      {"containerd", "2.2.7", "", "0.11.0"},
      {"containerd", "2.3.0~rc1", "", "0.11.0"},
      {"containerd", "2.3.1", "v0.12.0", "0.12.0"},
      {"containerd", "2.4.0", "v0.12.2", "0.12.2"},
      {"containerd", "2.3.1", "v0.12.1-0.20260101000000-abcdef012345", "0.12.0"},
      {"containerd", "2.3.1", "(devel)", "0.12.0"},
      {"containerd", "2.4.0", "0.0.0-unknown", "0.12.1"},
      {"containerd", "1.6.0", "", "0.2.0"},
      {"containerd", "unknown", "", "0.2.0"},
      {"containerd", "", "", "0.2.0"},
      {"containerd", "99999999999.1.1", "", "0.2.0"},
      {"containerd", "3.0", "", "0.12.1"},
      {"cri-o", "1.30.1", "", "0.6.0"},
      {"cri-o", "1.31.0", "", "0.6.1"},
      {"cri-o", "1.33.4", "", "0.9.0"},
      {"cri-o", "1.34.0", "", "0.10.0"},
      {"cri-o", "1.36.3", "", "0.11.0"},
      {"cri-o", "1.36.3", "v0.12.2", "0.12.2"},
      {"docker", "29.0.0", "", "0.2.0"},
      {"docker", "29.0.0", "v0.12.0", "0.12.0"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(toString(runtimeInfo(c.name, c.version, c.nri_version).level), c.level)
        << c.name << " " << c.version << " " << c.nri_version;
  }
}

TEST(RuntimeInfo, EventsBeyondAReleaseAreNotValid) {
  EXPECT_EQ(runtimeInfo("containerd", "2.1.9", "").validEvents().bits(), 0x07FFu);
  EXPECT_EQ(runtimeInfo("containerd", "2.2.0", "").validEvents().bits(), 0x3FFFu);
  EXPECT_EQ(runtimeInfo("who", "knows", "").validEvents().bits(), 0x07FFu);
}

TEST(RuntimeInfo, SaysWhatTheRuntimeReallyDoes) {
  auto debian13 = runtimeInfo("containerd", "1.7.24~ds1", "");
  EXPECT_TRUE(debian13.supports(Feature::Rlimits));
  EXPECT_FALSE(debian13.supports(Feature::OomScoreAdj));
  EXPECT_FALSE(debian13.supports(Feature::PidsLimit));
  EXPECT_FALSE(debian13.supports(Feature::SplitsSynchronize));
  EXPECT_FALSE(debian13.supports(Feature::ClosesAfterFailedSync));
  EXPECT_FALSE(debian13.supports(Feature::BlocksDuringSync));
  auto sid = runtimeInfo("containerd", "2.1.9", "");
  EXPECT_TRUE(sid.supports(Feature::OomScoreAdj));
  EXPECT_TRUE(sid.supports(Feature::PidsLimit));
  EXPECT_TRUE(sid.supports(Feature::BlocksDuringSync));
  EXPECT_TRUE(sid.supports(Feature::ReportsPodIps));
  EXPECT_FALSE(sid.supports(Feature::ReportsUnified));
  EXPECT_FALSE(sid.supports(Feature::Sysctl));
  EXPECT_FALSE(sid.supports(Feature::UpdatePidsLimit)) << "dropped by CRI's message";
  EXPECT_FALSE(sid.supports(Feature::UpdateContainersSafe));
  EXPECT_TRUE(runtimeInfo("cri-o", "1.33.0", "").supports(Feature::UpdatePidsLimit));
  EXPECT_TRUE(runtimeInfo("containerd", "2.2.1", "").supports(Feature::Sysctl));
  EXPECT_FALSE(runtimeInfo("containerd", "2.2.1", "").supports(Feature::UpdatesPodSandboxes));
  EXPECT_FALSE(runtimeInfo("containerd", "2.0.2", "").supports(Feature::BlocksDuringSync));
  EXPECT_TRUE(runtimeInfo("containerd", "1.7.26", "").supports(Feature::BlocksDuringSync));
  EXPECT_FALSE(runtimeInfo("containerd", "2.3.0", "v0.12.0").supports(Feature::UpdateContainersSafe));
  EXPECT_TRUE(runtimeInfo("containerd", "2.4.0", "v0.12.1").supports(Feature::UpdateContainersSafe));
}

}  // namespace
}  // namespace plimsoll::nri
