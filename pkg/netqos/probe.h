// What an engine would find on this node, without changing anything: for `plimsolld doctor` and `kubectl
// plimsoll doctor --local`. Loads the programs for a moment where that is allowed, and pins nothing.
//
// Threads: any.
#pragma once

#include "pkg/netqos/types.h"

namespace plimsoll::netqos {

// NodeReport::mode is what a pod with a link of its own would get; Mode::None with the reason where the
// engine would not start. Its findings name what is missing and who else is there.
NodeReport probe(const Options& options);

}  // namespace plimsoll::netqos
