#include "pkg/model/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::model {
namespace {

using ::testing::HasSubstr;

TEST(Explain, ShowsAWholeRow) {
  EXPECT_EQ(explain("memory.high")->toText(),
            "memory.high\n"
            "    Above this the container is slowed down and its memory reclaimed, but nothing is killed.\n"
            "\n"
            "Type:         quantity of bytes (512Mi, 1G), or max\n"
            "Values:       bytes (quantity)\n"
            "Sets:         memory.high in the container's cgroup\n"
            "Acts in:      the container's cgroup\n"
            "Since:        Linux 4.5\n"
            "Live:         yes, may change on a running container\n"
            "At creation:  in the runtime's creation request (NRI, unified)\n"
            "Allowed:      any pod\n"
            "May hurt:     nothing but the container itself\n"
            "Example:      plimsoll.dev/memory.high: \"512Mi\"\n");
}

TEST(Explain, TakesConcreteKeysRowsAndWholeAnnotationKeys) {
  EXPECT_THAT(explain("hugetlb.2MB.max")->toText(), HasSubstr("hugetlb.2MB.max in the container's cgroup"));
  EXPECT_THAT(explain("hugetlb.<size>.max")->toText(), HasSubstr("2MB, 1GB, 64KB"));
  EXPECT_THAT(explain("rlimit.nofile")->toText(), HasSubstr("RLIMIT_NOFILE of the container's processes"));
  EXPECT_EQ(explain("plimsoll.dev/cpu.max")->key, "cpu.max");
  const std::string sysctl = explain("sysctl.net/ipv4/conf/all/rp_filter")->toText();
  EXPECT_THAT(sysctl, HasSubstr("/proc/sys/net/ipv4/conf/all/rp_filter as the pod sees it"));
  EXPECT_THAT(sysctl, HasSubstr("the pod's network namespace"));
  EXPECT_THAT(explain("sysctl.kernel.sem")->toText(), HasSubstr("the pod's IPC namespace"));
  EXPECT_THAT(explain("sysctl.<name>")->toText(), HasSubstr("For example"));
}

TEST(Explain, NamesTheNearestOfAnUnknownKey) {
  auto slip = explain("memory.hihg");
  ASSERT_FALSE(slip);
  EXPECT_EQ(slip.error().code, base::ErrorCode::NotFound);
  EXPECT_EQ(slip.error().message, "\"memory.hihg\" is not a setting; did you mean memory.high?");
  EXPECT_THAT(explain("sysctl.vm.swappiness").error().message,
              HasSubstr("vm.swappiness is the whole node's"));
  EXPECT_FALSE(explain(""));
  EXPECT_FALSE(explain(std::string(100'000, 'a')));
}

TEST(Explain, HasSomethingToSayOfEveryRow) {
  const std::string list = explainList();
  for (const SettingSpec& spec : settingsTable()) {
    EXPECT_THAT(list, HasSubstr(std::string(spec.key) + " "));
    for (const auto& [label, text] : explain(spec).fields)
      EXPECT_FALSE(text.empty()) << spec.key << " " << label;
    EXPECT_FALSE(typeName(spec.type).empty());
  }
}

}  // namespace
}  // namespace plimsoll::model
