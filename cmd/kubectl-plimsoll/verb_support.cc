#include "cmd/kubectl-plimsoll/verb_support.h"

#include <chrono>
#include <ostream>

namespace plimsoll::cli {

Client connect(const Options& options) {
  return Client(options.socket,
                std::chrono::milliseconds(static_cast<int64_t>(options.timeout_seconds * 1000)));
}

View viewOf(const Options& options, const Streams& streams) {
  return {Palette(streams.colours), Clock::now(), options.output == Output::Wide, !options.no_headers,
          options.all_namespaces};
}

int fail(const Streams& streams, const std::string& message, int exit_code) {
  streams.err << "error: " << printable(message) << "\n";
  return exit_code;
}

bool isDocument(Output output) { return output == Output::Json || output == Output::Yaml; }

}  // namespace plimsoll::cli
