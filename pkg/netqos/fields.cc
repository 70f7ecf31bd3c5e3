#include "pkg/netqos/fields.h"

#include "pkg/base/parse.h"

namespace plimsoll::netqos {
namespace {

using base::Result;
using base::Status;

constexpr uint32_t kDefaultWeight = 100, kMostWeight = 10'000;
constexpr uint64_t kMostBits = 1'000'000'000'000'000;
constexpr uint64_t kMostBurst = uint64_t{1} << 32;

std::string showRate(uint64_t bits) { return bits == 0 ? "max" : std::to_string(bits); }

tl::unexpected<base::Error> notOfForm(std::string_view field, std::string_view text) {
  return base::invalidArgument("\"" + std::string(text) + "\" is no " + std::string(field));
}

// A number within bounds, or the word that stands for `word_means`.
template <typename T>
Status setNumber(T& out, std::string_view field, std::string_view text, std::pair<T, T> bounds,
                 std::pair<std::string_view, T> word = {}) {
  auto number = base::parseInt<T>(text);
  if (!word.first.empty() && text == word.first) {
    out = word.second;
  } else if (number && *number >= bounds.first && *number <= bounds.second) {
    out = *number;
  } else {
    return notOfForm(field, text);
  }
  return base::ok();
}

Status setClass(Class& out, std::string_view text) {
  auto wanted = classOf(text);
  if (!wanted) return notOfForm("priority", text);
  out = *wanted;
  return base::ok();
}

// A row of the table below: both directions of one field.
struct Field {
  std::string_view name;
  std::string (*show)(const Asked&);
  Status (*set)(Asked&, std::string_view field, std::string_view text);
};

Status setRate(uint64_t& out, std::string_view field, std::string_view text) {
  return setNumber<uint64_t>(out, field, text, {8, kMostBits}, {"max", 0});
}

constexpr Field kFields[] = {
    {"priority", [](const Asked& a) { return std::string(className(a.traffic_class)); },
     [](Asked& a, std::string_view, std::string_view text) { return setClass(a.traffic_class, text); }},
    {"egress.rate", [](const Asked& a) { return showRate(a.egress_bits); },
     [](Asked& a, std::string_view f, std::string_view text) { return setRate(a.egress_bits, f, text); }},
    {"egress.burst", [](const Asked& a) { return std::to_string(a.burst_bytes); },
     [](Asked& a, std::string_view f, std::string_view text) {
       return setNumber<uint64_t>(a.burst_bytes, f, text, {0, kMostBurst});
     }},
    {"ingress.rate", [](const Asked& a) { return showRate(a.ingress_bits); },
     [](Asked& a, std::string_view f, std::string_view text) { return setRate(a.ingress_bits, f, text); }},
    {"dscp", [](const Asked& a) { return a.dscp < 0 ? std::string("none") : std::to_string(a.dscp); },
     [](Asked& a, std::string_view f, std::string_view text) {
       return setNumber<int>(a.dscp, f, text, {0, 63}, {"none", -1});
     }},
    {"weight", [](const Asked& a) { return std::to_string(a.weight); },
     [](Asked& a, std::string_view f, std::string_view text) {
       return setNumber<uint32_t>(a.weight, f, text, {1, kMostWeight});
     }},
};

// What a pod has of its own are limits; class, DSCP and weight are its containers'.
Result<const Field*> fieldOf(Level level, std::string_view name) {
  std::string_view own = name;
  const bool of_pod = own.starts_with("pod.");
  if (of_pod) own.remove_prefix(4);
  const bool exists = !of_pod || own.find('.') != std::string_view::npos;
  if (exists && of_pod == (level == Level::Pod)) {
    for (const Field& field : kFields)
      if (field.name == own) return &field;
  }
  return base::error(base::ErrorCode::Unimplemented, "traffic has no field \"" + std::string(name) +
                                                         "\" of a " +
                                                         (level == Level::Pod ? "pod" : "container"));
}

uint64_t bytesOf(uint64_t bits) { return bits / 8; }

// What was asked, as long as that is what holds.
uint64_t bitsOf(uint64_t asked_bits, uint64_t cost) {
  if (cost == bpfobj::costOf(bytesOf(asked_bits))) return asked_bits;
  if (cost == 0) return 0;
  return (uint64_t{1'000'000'000} << kTrafficCostShift) / cost * 8;
}

}  // namespace

Result<std::string> showField(const Asked& asked, Level level, std::string_view field) {
  ASSIGN_OR_RETURN(const Field* found, fieldOf(level, field));
  return found->show(asked);
}

Status setField(Asked& asked, Level level, std::string_view field, std::string_view text) {
  ASSIGN_OR_RETURN(const Field* found, fieldOf(level, field));
  return found->set(asked, field, text);
}

bpfobj::EntitySpec specOf(const Asked& asked) {
  bpfobj::EntitySpec spec;
  spec.class_id = static_cast<uint8_t>(asked.traffic_class);
  spec.dscp = asked.dscp < 0 ? kTrafficNoDscp : asked.dscp;
  spec.weight = asked.weight == kDefaultWeight ? 0 : asked.weight;
  spec.asked_egress_bits = asked.egress_bits;
  spec.asked_ingress_bits = asked.ingress_bits;
  spec.asked_burst_bytes = asked.burst_bytes;
  if (asked.egress_bits != 0) spec.egress = bpfobj::limitFor(bytesOf(asked.egress_bits), asked.burst_bytes);
  if (asked.ingress_bits != 0) spec.ingress = bpfobj::limitFor(bytesOf(asked.ingress_bits), 0);
  spec.pace_bytes_per_second = bytesOf(asked.egress_bits);
  return spec;
}

Asked askedOf(const TrafficEntity& entity, const TrafficDetails& details) {
  Asked asked;
  asked.traffic_class = static_cast<Class>(entity.class_id % kClasses);
  asked.egress_bits = bitsOf(details.asked_egress_bits, entity.egress.cost);
  asked.ingress_bits = bitsOf(details.asked_ingress_bits, details.ingress.cost);
  asked.burst_bytes = details.asked_burst_bytes;
  asked.dscp = entity.dscp == kTrafficNoDscp ? -1 : entity.dscp;
  asked.weight = details.weight == 0 ? kDefaultWeight : details.weight;
  return asked;
}

}  // namespace plimsoll::netqos
