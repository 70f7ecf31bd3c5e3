// Which containers a request means: filters, pages, and the one that is asked for by name. Pure functions
// over the source's snapshot, any thread.
#pragma once

#include <string>
#include <vector>

#include "pkg/api/source.h"
#include "pkg/base/result.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

struct PageLimits {
  int containers = 500;
  size_t bytes = 256 << 10;  // small enough that answering costs little memory
};

// Containers that a list request means, as reports. InvalidArgument: selector, page size or token.
struct ReportPage {
  std::vector<ReportPtr> reports;
  std::string next_page_token;
};
base::Result<ReportPage> selectPage(const std::vector<ReportPtr>& reports,
                                    const pb::ListContainersRequest& request, int most);

// `reports` in the order of Source::containers(). InvalidArgument: selector, page size or token.
base::Result<pb::ListContainersResponse> listContainers(const std::vector<ReportPtr>& reports,
                                                        const pb::ListContainersRequest& request,
                                                        const PageLimits& limits);

// NotFound: none fits. FailedPrecondition: several do; the message lists them.
base::Result<pb::Container> getContainer(const std::vector<ReportPtr>& reports,
                                         const pb::GetContainerRequest& request);

}  // namespace plimsoll::api
