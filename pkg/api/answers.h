// Answers that need no container: the node, the settings table, the linter. Any thread.
#pragma once

#include <string_view>

#include "pkg/api/source.h"
#include "pkg/base/result.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

void describeNode(Source& source, pb::Node* out);
// "": every setting. NotFound names the nearest key.
base::Result<pb::ExplainResponse> explainSettings(std::string_view key);
base::Result<pb::LintResponse> lintText(std::string_view manifest);

}  // namespace plimsoll::api
