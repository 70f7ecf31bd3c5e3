#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/config/config.h"

namespace plimsoll::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHead = "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n";

base::Result<NodeConfig> load(const std::string& json) {
  return loadNodeConfig(std::string(kHead) + "seccompProfiles:\n  web: |\n    " + json + "\n", "node.yaml");
}

TEST(SeccompProfiles, AreReadWhole) {
  auto config = load(
      R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],)"
      R"( "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [{"names": ["read", "write"],)"
      R"( "action": "SCMP_ACT_ALLOW"}, {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,)"
      R"( "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}]}]})");
  ASSERT_TRUE(config) << config.error().message;
  const model::SeccompProfile& profile = config->policy.seccomp_profiles.at("web");
  EXPECT_EQ(profile.default_action, "SCMP_ACT_ERRNO");
  EXPECT_EQ(profile.default_errno, 38u);
  EXPECT_THAT(profile.architectures, ElementsAre("SCMP_ARCH_X86_64"));
  EXPECT_THAT(profile.flags, ElementsAre("SECCOMP_FILTER_FLAG_LOG"));
  ASSERT_EQ(profile.rules.size(), 2u);
  EXPECT_THAT(profile.rules[0].names, ElementsAre("read", "write"));
  EXPECT_EQ(profile.rules[1].errno_ret, 1u);
  EXPECT_EQ(profile.rules[1].args.at(0), (model::SeccompArgument{0, UINT64_MAX, 8, "SCMP_CMP_MASKED_EQ"}));
}

TEST(SeccompProfiles, EveryMistakeIsNamedWithItsLine) {
  struct Case {
    const char *json, *message;
  };
  const Case cases[] = {
      {"{", "is no JSON"},
      {"[]", "wants an object"},
      {"{}", "defaultAction wants a word"},
      {R"({"defaultAction": 1})", "defaultAction wants a word"},
      {R"({"defaultAction": "SCMP_ACT_ALOW"})", "did you mean SCMP_ACT_ALLOW?"},
      {R"({"defaultAction": "SCMP_ACT_NOTIFY"})", "is not known here"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"})",
       "\"listenerPath\", which is not known"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "archMap": []})", "\"archMap\""},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 4096})", "up to 4095"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": -1})", "up to 4095"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]})", "flags: \"X\""},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}})", "syscalls wants a list"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_LOG"}]})",
       "wants names"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a b"], "action": "SCMP_ACT_LOG"}]})",
       "wants names"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"]}]})", "action wants a word"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_LOG", )"
       R"("args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]})",
       "index wants a whole number up to 5"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_LOG", )"
       R"("args": [{"index": 1, "op": "SCMP_CMP_EQ"}]}]})",
       "value wants a whole number"},
  };
  for (const Case& c : cases) {
    auto config = load(c.json);
    ASSERT_FALSE(config) << c.json;
    EXPECT_THAT(config.error().message, HasSubstr("node.yaml:4: the seccomp profile web: ")) << c.json;
    EXPECT_THAT(config.error().message, HasSubstr(c.message)) << c.json;
  }
  auto named = loadNodeConfig(std::string(kHead) + "seccompProfiles: {../web: '{}'}\n", "node.yaml");
  EXPECT_THAT(named.error().message, HasSubstr("is named with a-z"));
}

TEST(SeccompProfiles, DeepJsonIsAnErrorAndNotACrash) { EXPECT_FALSE(load(std::string(100'000, '['))); }

}  // namespace
}  // namespace plimsoll::config
