#include "pkg/api/query.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "pkg/api/convert.h"
#include "pkg/api/label_selector.h"
#include "pkg/api/utf8.h"

namespace plimsoll::api {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kMinIdPrefix = 4;
constexpr size_t kMostNamed = 5;  // of several that fit

std::string place(const model::ContainerReport& report) {
  return validUtf8(report.pod.ns + "/" + report.pod.name + "/" + report.container.name);
}

// A page's last container. Namespaces, pods, container names and ids hold no '/'.
std::string tokenOf(const model::ContainerReport& report) {
  return report.pod.ns + "/" + report.pod.name + "/" + report.container.name + "/" + report.container.id;
}

struct Position {
  std::string ns, pod, container, id;
};

Result<Position> parseToken(std::string_view token) {
  std::vector<std::string> parts(1);
  for (char c : token) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (parts.size() != 4) return base::invalidArgument("page_token is not one that this agent gave");
  return Position{parts[0], parts[1], parts[2], parts[3]};
}

bool isAfter(const model::ContainerReport& report, const Position& position) {
  return std::tie(report.pod.ns, report.pod.name, report.container.name, report.container.id) >
         std::tie(position.ns, position.pod, position.container, position.id);
}

Result<pb::Container> onlyOne(const std::vector<ReportPtr>& fitting, const std::string& wanted) {
  if (fitting.empty())
    return base::error(ErrorCode::NotFound, "no container " + wanted + " is known on this node");
  if (fitting.size() > 1) {
    std::string names;
    for (size_t i = 0; i < fitting.size() && i < kMostNamed; ++i) {
      names +=
          (i == 0 ? "" : ", ") + place(*fitting[i]) + " (" + validUtf8(fitting[i]->container.id, 12) + ")";
    }
    if (fitting.size() > kMostNamed) names += ", ...";
    return base::error(ErrorCode::FailedPrecondition, wanted + " fits " + std::to_string(fitting.size()) +
                                                          " containers: " + names +
                                                          "; name the container or give its id");
  }
  pb::Container out;
  toProto(*fitting.front(), &out);
  return out;
}

}  // namespace

Result<ReportPage> selectPage(const std::vector<ReportPtr>& reports, const pb::ListContainersRequest& request,
                              int most) {
  if (request.page_size() < 0) return base::invalidArgument("page_size must not be negative");
  ASSIGN_OR_RETURN(const LabelSelector selector, LabelSelector::parse(request.label_selector()));
  std::optional<Position> after;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(after, parseToken(request.page_token()));
  }
  if (request.page_size() > 0) most = std::min(request.page_size(), most);
  ReportPage page;
  for (const ReportPtr& report : reports) {
    const bool wanted = (!after || isAfter(*report, *after)) &&
                        (request.namespace_().empty() || report->pod.ns == request.namespace_()) &&
                        (request.pod().empty() || report->pod.name == request.pod()) &&
                        (!request.managed_only() || isManaged(*report)) &&
                        selector.matches(report->pod.labels);
    if (!wanted) continue;
    if (page.reports.size() >= static_cast<size_t>(most)) {
      page.next_page_token = tokenOf(*page.reports.back());
      break;
    }
    page.reports.push_back(report);
  }
  return page;
}

Result<pb::ListContainersResponse> listContainers(const std::vector<ReportPtr>& reports,
                                                  const pb::ListContainersRequest& request,
                                                  const PageLimits& limits) {
  ASSIGN_OR_RETURN(ReportPage page, selectPage(reports, request, limits.containers));
  pb::ListContainersResponse response;
  response.set_next_page_token(page.next_page_token);
  const model::ContainerReport* last = nullptr;
  size_t bytes = 0;
  for (const ReportPtr& report : page.reports) {
    if (last && bytes >= limits.bytes) {
      response.set_next_page_token(tokenOf(*last));
      break;
    }
    pb::Container* out = response.add_containers();
    toProto(*report, out);
    bytes += out->ByteSizeLong();
    last = report.get();
  }
  return response;
}

Result<pb::Container> getContainer(const std::vector<ReportPtr>& reports,
                                   const pb::GetContainerRequest& request) {
  std::vector<ReportPtr> fitting;
  if (!request.id().empty()) {
    if (request.id().size() < kMinIdPrefix) {
      return base::invalidArgument("id needs at least " + std::to_string(kMinIdPrefix) + " characters");
    }
    std::copy_if(reports.begin(), reports.end(), std::back_inserter(fitting),
                 [&](const ReportPtr& report) { return report->container.id.starts_with(request.id()); });
    return onlyOne(fitting, "with id " + request.id());
  }
  if (request.pod().empty()) return base::invalidArgument("give an id, or a pod's name");
  std::copy_if(reports.begin(), reports.end(), std::back_inserter(fitting), [&](const ReportPtr& report) {
    return report->pod.name == request.pod() &&
           (request.namespace_().empty() || report->pod.ns == request.namespace_()) &&
           (request.container().empty() || report->container.name == request.container());
  });
  const std::string scope = request.namespace_().empty() ? "" : request.namespace_() + "/";
  const std::string container = request.container().empty() ? "" : "/" + request.container();
  return onlyOne(fitting, scope + request.pod() + container);
}

}  // namespace plimsoll::api
