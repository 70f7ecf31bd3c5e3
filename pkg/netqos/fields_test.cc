#include "pkg/netqos/fields.h"

#include <gtest/gtest.h>

namespace plimsoll::netqos {
namespace {

std::string shown(const Asked& asked, std::string_view field) {
  const Level level = field.starts_with("pod.") ? Level::Pod : Level::Container;
  return showField(asked, level, field).value();
}

TEST(Fields, TakeTheirFormOnlyAndShowIt) {
  struct Case {
    const char* field;
    const char* text;
    bool taken;
  };
  for (const Case& c : {Case{"priority", "system", true},
                        Case{"priority", "besteffort", true},
                        Case{"priority", "urgent", false},
                        Case{"priority", "", false},
                        Case{"egress.rate", "max", true},
                        Case{"egress.rate", "1000", true},
                        Case{"egress.rate", "1000000000000000", true},
                        Case{"egress.rate", "1000000000000001", false},
                        Case{"egress.rate", "0", false},
                        Case{"egress.rate", "-1", false},
                        Case{"egress.rate", "10M", false},
                        Case{"ingress.rate", "12345678", true},
                        Case{"egress.burst", "0", true},
                        Case{"egress.burst", "1073741824", true},
                        Case{"egress.burst", "max", false},
                        Case{"dscp", "none", true},
                        Case{"dscp", "0", true},
                        Case{"dscp", "63", true},
                        Case{"dscp", "64", false},
                        Case{"dscp", "-1", false},
                        Case{"weight", "1", true},
                        Case{"weight", "10000", true},
                        Case{"weight", "0", false},
                        Case{"weight", "10001", false},
                        Case{"pod.egress.rate", "5000000", true},
                        Case{"pod.egress.burst", "65536", true},
                        Case{"pod.ingress.rate", "max", true}}) {
    Asked asked;
    const Level level = std::string_view(c.field).starts_with("pod.") ? Level::Pod : Level::Container;
    EXPECT_EQ(setField(asked, level, c.field, c.text).has_value(), c.taken) << c.field << " " << c.text;
    if (c.taken) {
      EXPECT_EQ(shown(asked, c.field), c.text);
    } else {
      EXPECT_EQ(asked, Asked{}) << c.field;
    }
  }
}

TEST(Fields, AreOfOneLevel) {
  Asked asked;
  EXPECT_EQ(setField(asked, Level::Pod, "egress.rate", "1000").error().code, base::ErrorCode::Unimplemented);
  EXPECT_EQ(setField(asked, Level::Container, "pod.egress.rate", "1000").error().code,
            base::ErrorCode::Unimplemented);
  for (const char* field : {"pod.priority", "pod.dscp", "pod.weight", "color", "", "pod."})
    EXPECT_FALSE(showField(asked, Level::Pod, field)) << field;
}

// What the maps hold shows as what was asked, for rates whose cost is no whole number, too.
TEST(Fields, SurviveTheMaps) {
  for (uint64_t bits :
       {8ull, 1000ull, 999'999ull, 333'333'333ull, 5'000'000'000ull, 1'000'000'000'000'000ull}) {
    Asked asked{Class::High, bits, bits + 1, 4096, 46, 300};
    const bpfobj::EntitySpec spec = specOf(asked);
    TrafficEntity entity = {};
    TrafficDetails details = {};
    entity.class_id = spec.class_id;
    entity.dscp = spec.dscp;
    entity.egress.cost = bpfobj::costOf(spec.egress.bytes_per_second);
    details.ingress.cost = bpfobj::costOf(spec.ingress.bytes_per_second);
    details.weight = spec.weight;
    details.asked_egress_bits = spec.asked_egress_bits;
    details.asked_ingress_bits = spec.asked_ingress_bits;
    details.asked_burst_bytes = spec.asked_burst_bytes;
    EXPECT_EQ(askedOf(entity, details), asked) << bits;
  }
}

TEST(Fields, ALimitThatSomebodyChangedShowsAsWhatItIs) {
  TrafficEntity entity = {};
  TrafficDetails details = {};
  entity.dscp = kTrafficNoDscp;
  details.asked_egress_bits = 8'000'000;
  entity.egress.cost = bpfobj::costOf(2'000'000);
  EXPECT_EQ(askedOf(entity, details).egress_bits, 16'000'000u);
  entity.egress.cost = 0;
  EXPECT_EQ(askedOf(entity, details).egress_bits, 0u);
}

TEST(Fields, DefaultsAskNothingOfTheMaps) {
  const bpfobj::EntitySpec spec = specOf({});
  EXPECT_EQ(spec.egress, bpfobj::Limit{});
  EXPECT_EQ(spec.ingress, bpfobj::Limit{});
  EXPECT_EQ(spec.pace_bytes_per_second, 0u);
  EXPECT_EQ(spec.weight, 0u);
  EXPECT_EQ(spec.dscp, kTrafficNoDscp);
}

}  // namespace
}  // namespace plimsoll::netqos
