#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/model/explain.h"
#include "pkg/model/value.h"

namespace plimsoll::model {
namespace {

using ::testing::HasSubstr;

const SettingSpec& row(std::string_view key) { return *findSetting(key)->spec; }

struct Case {
  const char *key, *text, *written, *shown;
};

TEST(NetworkRows, ValuesAreWrittenAndReadBack) {
  const Case kCases[] = {
      {"net.priority", "high", "high", "high"},
      {"net.egress.rate", "10M", "10000000", "10M"},
      {"net.egress.rate", "1500k", "1500000", "1500k"},
      {"net.egress.rate", "10Mi", "10485760", "10485760"},
      {"net.egress.rate", "max", "max", "max"},
      {"net.ingress.rate", "2.5G", "2500000000", "2500M"},
      {"net.pod.egress.rate", "1e6", "1000000", "1M"},
      {"net.egress.burst", "256Ki", "262144", "256Ki"},
      {"net.pod.egress.burst", "0", "0", "0"},
      {"net.dscp", "46", "46", "46"},
      {"net.dscp", "ef", "46", "46"},
      {"net.dscp", "af41", "34", "34"},
      {"net.dscp", "cs1", "8", "8"},
      {"net.dscp", "le", "1", "1"},
      {"net.dscp", "va", "44", "44"},
      {"net.dscp", "none", "none", "none"},
      {"net.weight", "50", "50", "50"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.key) + " = " + c.text);
    auto value = parseValue(row(c.key), c.text);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(kernelWrites(row(c.key), *value), std::vector<std::string>{c.written});
    EXPECT_EQ(formatValue(row(c.key), *value), c.shown);
    EXPECT_EQ(compareWithKernel(row(c.key), *value, c.written).outcome, Comparison::Outcome::Equal);
  }
}

TEST(NetworkRows, WhatIsNotOneIsToldWithWhatWouldBe) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"net.priority", "urgent"},  {"net.egress.rate", "10Mbit"}, {"net.egress.rate", "100m"},
      {"net.egress.rate", "999"},  {"net.egress.rate", "2P"},     {"net.egress.rate", "-1"},
      {"net.egress.burst", "max"}, {"net.egress.burst", "2Gi"},   {"net.dscp", "64"},
      {"net.dscp", "-1"},          {"net.dscp", "af44"},          {"net.dscp", "af51"},
      {"net.dscp", "cs8"},         {"net.dscp", "EF "},           {"net.weight", "0"},
  };
  for (const auto& [key, text] : kWrong) {
    auto value = parseValue(row(key), text);
    ASSERT_FALSE(value) << key << " = " << text;
    EXPECT_THAT(value.error().message, HasSubstr("; write ")) << key << " = " << text;
  }
}

TEST(NetworkRows, OtherTextOfTheMapsIsNotUnderstood) {
  const Value rate = *parseValue(row("net.egress.rate"), "10M"), dscp = *parseValue(row("net.dscp"), "ef");
  EXPECT_EQ(compareWithKernel(row("net.egress.rate"), rate, "max").actual, "max");
  EXPECT_EQ(compareWithKernel(row("net.egress.rate"), rate, "9000000").actual, "9M");
  for (const char* text : {"", "10M", "fast"}) {
    EXPECT_FALSE(parseKernelText(row("net.egress.rate"), rate, text)) << text;
    EXPECT_FALSE(parseKernelText(row("net.priority"), Word{"high"}, text)) << text;
  }
  EXPECT_FALSE(parseKernelText(row("net.dscp"), dscp, "255"));
  EXPECT_EQ(compareWithKernel(row("net.dscp"), dscp, "none").outcome, Comparison::Outcome::Adjusted);
}

TEST(NetworkRows, PodsHaveAFormOfTheirOwn) {
  for (const SettingSpec& spec : settingsTable()) {
    if (spec.pod_form.empty()) continue;
    auto pods = findSetting(spec.pod_form);
    ASSERT_TRUE(pods) << spec.key;
    EXPECT_EQ(pods->spec->type, spec.type);
    EXPECT_TRUE(isPodWide(*pods)) << spec.key;
    EXPECT_FALSE(isPodWide(*findSetting(spec.key))) << spec.key;
    EXPECT_EQ(pods->file, "pod." + std::string(spec.file));
  }
  EXPECT_EQ(row("net.ingress.rate").pod_form, "net.pod.ingress.rate");
}

TEST(NetworkRows, ForeignAnnotationsMeanPodWideSettings) {
  EXPECT_EQ(foreignAnnotations().size(), 2u);
  for (const ForeignAnnotation& each : foreignAnnotations()) {
    auto setting = findSetting(each.key);
    ASSERT_TRUE(setting) << each.annotation;
    EXPECT_TRUE(isPodWide(*setting)) << each.annotation;
  }
}

TEST(NetworkRows, AreExplained) {
  EXPECT_THAT(explain("net.priority")->toText(),
              HasSubstr("any pod for besteffort, normal, high; system only with a rule"));
  EXPECT_THAT(explain("net.egress.rate")->toText(), HasSubstr("means net.pod.egress.rate"));
  EXPECT_THAT(explain("net.pod.egress.rate")->toText(), HasSubstr("kubernetes.io/egress-bandwidth"));
}

}  // namespace
}  // namespace plimsoll::model
