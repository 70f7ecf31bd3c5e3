#include "pkg/netqos/engine.h"

namespace plimsoll::netqos {

using base::ErrorCode;
using base::Result;

class Engine::Impl {};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::start(const Options&) {
  return base::error(ErrorCode::Unimplemented, "the traffic engine is not part of this build");
}
Result<std::unique_ptr<mechanism::Access>> Engine::open(const Subject&, Level) {
  return base::error(ErrorCode::Unimplemented, "the traffic engine is not part of this build");
}
Result<std::unique_ptr<mechanism::Access>> Engine::openPlace(const mechanism::Place&) {
  return base::error(ErrorCode::Unimplemented, "the traffic engine is not part of this build");
}
base::Status Engine::configure(const LineOptions&) { return base::ok(); }
int Engine::eventFd() const { return -1; }
void Engine::onEvents() {}
Engine::Reconciled Engine::reconcile() { return {}; }
std::optional<Counts> Engine::countsOf(uint64_t) const { return std::nullopt; }
ModeReport Engine::modeOf(uint64_t) const { return {}; }
NodeReport Engine::report() const { return {}; }

}  // namespace plimsoll::netqos
