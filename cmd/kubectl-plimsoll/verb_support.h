// What the verbs' files share: the connection, the view and the error line that follow from the options.
#pragma once

#include <string>

#include "cmd/kubectl-plimsoll/client.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

Client connect(const Options& options);
View viewOf(const Options& options, const Streams& streams);
// Tells the error and gives the exit code back.
int fail(const Streams& streams, const std::string& message, int exit_code = kExitError);
bool isDocument(Output output);

}  // namespace plimsoll::cli
