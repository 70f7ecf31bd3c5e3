#include "pkg/netqos/probe.h"

namespace plimsoll::netqos {

NodeReport probe(const Options&) {
  NodeReport report;
  report.reason = "the traffic engine is not part of this build";
  return report;
}

}  // namespace plimsoll::netqos
