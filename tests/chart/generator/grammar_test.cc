// The policy's grammar against the agent's parser: what the agent takes must pass, and of what it refuses the
// common mistakes must not.
#include "tests/chart/generator/grammar.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "pkg/annotation/annotation.h"
#include "pkg/base/parse.h"
#include "pkg/model/value.h"

namespace plimsoll::deploy {
namespace {

using model::SettingSpec;

// Forms that people write, right and wrong; each is tried with every row.
const std::vector<std::string>& corpus() {
  static const std::vector<std::string> values = {"0",
                                                  "1",
                                                  "-1",
                                                  "007",
                                                  "100",
                                                  "10000",
                                                  "10001",
                                                  "99999999999999999999",
                                                  "+5",
                                                  "1_000",
                                                  "0x10",
                                                  "true",
                                                  "false",
                                                  "yes",
                                                  "on",
                                                  "max",
                                                  "unlimited",
                                                  "none",
                                                  "512Mi",
                                                  "1.5Gi",
                                                  "512mb",
                                                  "512 Mi",
                                                  "512m",
                                                  "100M",
                                                  "1e3",
                                                  "1E3",
                                                  "1e-3",
                                                  "12Ei",
                                                  "1500m",
                                                  "1.5",
                                                  "1500m 50ms",
                                                  "2  100ms",
                                                  "max 20ms",
                                                  "1500m 50",
                                                  "1500u",
                                                  "-1Mi",
                                                  "20ms",
                                                  "1.5s",
                                                  "100us",
                                                  "100\xc2\xb5s",
                                                  "1m30s",
                                                  "20",
                                                  "20 ms",
                                                  "1h",
                                                  "0s",
                                                  "12.5%",
                                                  "100%",
                                                  "12.555%",
                                                  "%",
                                                  "50",
                                                  "0-3,8",
                                                  "0",
                                                  "3-1",
                                                  "a-b",
                                                  "0-",
                                                  "0,,1",
                                                  "member",
                                                  "root",
                                                  "isolated",
                                                  "Root",
                                                  "200",
                                                  "default=100 path:/data=300",
                                                  "path:/data=300",
                                                  "path:/a=1;path:/b=2",
                                                  "8:0=5",
                                                  "path:data=3",
                                                  "volume:scratch=7",
                                                  "path:/data rbps=10M wiops=500; 8:0 wbps=max",
                                                  "path:/data rbps=abc",
                                                  "path:/data",
                                                  "rbps=10M",
                                                  "8:0 rbps=1.5M ;",
                                                  "path:/data=20ms; 8:0=50ms",
                                                  "8:0=0",
                                                  "8:0=20",
                                                  "4096",
                                                  "1024:4096",
                                                  "unlimited:unlimited",
                                                  "4096:unlimited",
                                                  ":5",
                                                  "5:",
                                                  "1Ki:2Ki",
                                                  "latency-critical",
                                                  "Batch",
                                                  "-x",
                                                  "a b",
                                                  "4096 87380 6291456",
                                                  "4096\t87380",
                                                  "1024 65535",
                                                  "-5 10",
                                                  "1 2 3 4",
                                                  "1 2 3 4 5",
                                                  "8080,9000-9100",
                                                  "65535",
                                                  "70000",
                                                  "8080-",
                                                  "be:4",
                                                  "be:8",
                                                  "be",
                                                  "idle",
                                                  "rt:0",
                                                  "other",
                                                  "other:5",
                                                  "other:-20",
                                                  "batch:5",
                                                  "fifo:10",
                                                  "fifo",
                                                  "rr:99",
                                                  "deadline:10ms/30ms/100ms",
                                                  "deadline:10ms",
                                                  "ignore",
                                                  "reject",
                                                  "high",
                                                  "system",
                                                  "besteffort",
                                                  "af41",
                                                  "cs7",
                                                  "cs8",
                                                  "ef",
                                                  "va",
                                                  "le",
                                                  "46",
                                                  "64",
                                                  "10M",
                                                  "1G",
                                                  "100",
                                                  "1k",
                                                  "private",
                                                  "bbr",
                                                  "cubic",
                                                  "",
                                                  "x",
                                                  "\xff",
                                                  "512Mi\n",
                                                  "0.5",
                                                  "1.",
                                                  ".5",
                                                  "1.50Mi",
                                                  "0.10",
                                                  "00",
                                                  "-0",
                                                  "1,2",
                                                  "1 000",
                                                  "8:0 rbps=10M rbps=10M"};
  return values;
}

bool matches(const std::string& pattern, std::string_view value) {
  const RE2 expression(pattern);
  EXPECT_TRUE(expression.ok()) << pattern << ": " << expression.error();
  return RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), expression);
}

// As the policy judges it.
bool passes(const SettingSpec& spec, std::string_view text) {
  const std::string_view value = base::trim(text);
  const std::string pattern = valuePattern(spec);
  if (!pattern.empty() && !matches(pattern, value)) return false;
  if (!hasRange(spec) || !matches("^-?[0-9]{1,18}$", value)) return true;
  const auto number = base::parseInt<int64_t>(value);
  return !number || (*number >= spec.min && *number <= spec.max);
}

TEST(Grammar, TakesWhatTheAgentTakes) {
  for (const SettingSpec& spec : model::settingsTable()) {
    EXPECT_TRUE(passes(spec, spec.example)) << spec.key << " " << spec.example;
    for (const std::string& value : corpus()) {
      if (!model::parseValue(spec, value)) continue;
      EXPECT_TRUE(passes(spec, value)) << spec.key << " refuses " << value << " by " << valuePattern(spec);
    }
  }
}

// What the agent refuses and the policy lets pass: known, each with its reason, and few.
TEST(Grammar, RefusesMostOfWhatTheAgentRefuses) {
  size_t refused = 0, let_pass = 0;
  for (const SettingSpec& spec : model::settingsTable()) {
    if (spec.type == model::ValueType::Document) continue;
    for (const std::string& value : corpus()) {
      if (model::parseValue(spec, value)) continue;
      ++(passes(spec, value) ? let_pass : refused);
    }
  }
  EXPECT_GT(refused, 5000u);
  EXPECT_LT(static_cast<double>(let_pass), 0.04 * static_cast<double>(refused + let_pass)) << let_pass;
}

TEST(Grammar, HoldsNothingThatCelWouldReadOtherwise) {
  for (const SettingSpec& spec : model::settingsTable())
    EXPECT_EQ(valuePattern(spec).find_first_of("\\'\""), std::string::npos) << spec.key;
}

TEST(Grammar, OtherSysctlsAreThoseTheAgentMayTake) {
  for (const SettingSpec& spec : model::settingsTable()) {
    if (spec.free_name == nullptr) continue;
    for (const std::string& key : model::concreteKeys(spec))
      EXPECT_TRUE(matches(otherSysctlPattern(), key)) << key;
  }
  for (const char* key :
       {"sysctl.net.ipv4.conf.eth0.rp_filter", "sysctl.net.netfilter.nf_conntrack_tcp_timeout_close",
        "sysctl.kernel.shm_next_id", "sysctl.fs.mqueue.msgsize_default"}) {
    ASSERT_TRUE(model::findSetting(key)) << key;
    EXPECT_TRUE(matches(otherSysctlPattern(), key)) << key;
  }
  for (const char* key : {"sysctl.vm.swappiness", "sysctl.kernel.panic", "sysctl.fs.file-max", "sysctl.",
                          "sysctl.net", "sysctl.kernel.core_pattern"}) {
    EXPECT_FALSE(model::findSetting(key)) << key;
    EXPECT_FALSE(matches(otherSysctlPattern(), key)) << key;
  }
}

TEST(Grammar, SlipsAreThoseThatTheAgentTellsToo) {
  for (const char* prefix :
       {"plimsol.dev", "plimsoll.io", "app.pilmsoll.dev", "plimsolll.dev", "limsoll.dev"}) {
    const std::string key = std::string(prefix) + "/memory.high";
    EXPECT_TRUE(matches(slipPattern(), key)) << key;
    EXPECT_FALSE(annotation::parsePod({{key, "1Gi"}}).problems.empty()) << key;
  }
  for (const char* key : {"plimsoll.dev/memory.high", "app.plimsoll.dev/memory.high", "osmosis.dev/x",
                          "kubernetes.io/egress-bandwidth", "plimsoll-of.others.example/x"}) {
    EXPECT_FALSE(matches(slipPattern(), key)) << key;
  }
}

}  // namespace
}  // namespace plimsoll::deploy
