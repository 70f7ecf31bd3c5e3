// The rows of traffic: written to the maps of the programs that pkg/netqos attaches. `file` is the entry's
// field; those of a pod stand beside those of its containers, since a container's limit is its own within the
// pod's.
#include "pkg/model/settings_rows.h"

namespace plimsoll::model {
namespace {

// The least first.
constexpr std::string_view kPriorities[] = {"besteffort", "normal", "high", "system"};
constexpr std::string_view kFreePriorities[] = {"besteffort", "normal", "high"};

// What Kubernetes itself takes in kubernetes.io/egress-bandwidth (k8s.io/kubernetes/pkg/util/bandwidth).
constexpr int64_t kLeastRate = 1'000, kMostRate = 1'000'000'000'000'000;
constexpr int64_t kMostBurst = int64_t{1} << 30;
// The oldest kernel that the programs are tried on.
constexpr KernelVersion kSince = {6, 1};

struct Rate {
  std::string_view key, file, pod_form, help, example;
};

constexpr SettingSpec rate(const Rate& r) {
  return {.key = r.key,
          .group = "net",
          .type = ValueType::BitRate,
          .unit = "bits per second (quantity), 1k to 1P",
          .min = kLeastRate,
          .max = kMostRate,
          .allows_max = true,
          .target = Target::Traffic,
          .acts_in = r.pod_form.empty() ? ActsIn::PodTraffic : ActsIn::Traffic,
          .file = r.file,
          .pod_form = r.pod_form,
          .since = kSince,
          .carrier = Carrier::None,
          .help = r.help,
          .example = r.example};
}

constexpr SettingSpec burst(const Rate& r) {
  SettingSpec spec = rate(r);
  spec.type = ValueType::Bytes;
  spec.unit = "bytes (quantity) up to 1Gi; 0: as much as the rate asks for";
  spec.min = 0;
  spec.max = kMostBurst;
  spec.allows_max = false;
  return spec;
}

constexpr SettingSpec kRows[] = {
    {.key = "net.priority",
     .group = "net",
     .type = ValueType::Word,
     .unit = "besteffort, normal, high or system",
     .words = kPriorities,
     .free_words = kFreePriorities,
     .target = Target::Traffic,
     .file = "priority",
     .since = kSince,
     .carrier = Carrier::None,
     .permission = Permission::RuleOnly,
     .hurts = "system goes before everything else on the node's links and is never held",
     .help = "Whose packets go first where the node's links are busy; every class keeps a minimum share.",
     .example = "high"},
    rate({"net.egress.rate", "egress.rate", "net.pod.egress.rate",
          "Upper limit of what the container sends, within the pod's.", "10M"}),
    burst({"net.egress.burst", "egress.burst", "net.pod.egress.burst",
           "Bytes that pass at once after idleness, before net.egress.rate holds.", "256Ki"}),
    rate({"net.ingress.rate", "ingress.rate", "net.pod.ingress.rate",
          "Upper limit of what the container receives, within the pod's.", "50M"}),
    {.key = "net.dscp",
     .group = "net",
     .type = ValueType::Dscp,
     .unit = "0 to 63, none, or a name: cs0 to cs7, af11 to af43, ef, va, le",
     .min = -1,
     .max = 63,
     .target = Target::Traffic,
     .file = "dscp",
     .since = kSince,
     .carrier = Carrier::None,
     .permission = Permission::RuleOnly,
     .hurts = "routers beyond the node may put the packets before everybody else's",
     .help = "Code point that the container's packets carry on the wire.",
     .example = "af41"},
    {.key = "net.weight",
     .group = "net",
     .type = ValueType::Integer,
     .unit = "1 to 10000, 100 without it",
     .min = 1,
     .max = 10'000,
     .target = Target::Traffic,
     .file = "weight",
     .since = kSince,
     .carrier = Carrier::None,
     .permission = Permission::LowerOnly,
     .hurts = "a higher weight takes bandwidth from others of the same class",
     .help = "Share of the class's bandwidth relative to the other containers of the class.",
     .example = "50"},
    rate({"net.pod.egress.rate", "pod.egress.rate", "",
          "Upper limit of what all the pod's containers together send.", "100M"}),
    burst({"net.pod.egress.burst", "pod.egress.burst", "",
           "Bytes that pass at once after idleness, before net.pod.egress.rate holds.", "1Mi"}),
    rate({"net.pod.ingress.rate", "pod.ingress.rate", "",
          "Upper limit of what all the pod's containers together receive.", "500M"}),
};

constexpr ForeignAnnotation kForeign[] = {
    {"kubernetes.io/egress-bandwidth", "net.pod.egress.rate"},
    {"kubernetes.io/ingress-bandwidth", "net.pod.ingress.rate"},
};

}  // namespace

std::span<const SettingSpec> networkRows() { return kRows; }

std::span<const ForeignAnnotation> foreignAnnotations() { return kForeign; }

}  // namespace plimsoll::model
