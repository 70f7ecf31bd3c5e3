#include "pkg/api/history.h"

#include <algorithm>

#include "pkg/api/utf8.h"

namespace plimsoll::api {
namespace {

constexpr int kMostEntries = 1000;  // of some hundred bytes each, far below gRPC's 4 MiB
constexpr size_t kTextLimit = 1024;

std::string clean(std::string_view text) { return validUtf8(text, kTextLimit); }

pb::HistoryOp opOf(journal::Op op) {
  switch (op) {
    case journal::Op::Set:
      return pb::HISTORY_OP_SET;
    case journal::Op::Settled:
      return pb::HISTORY_OP_SETTLED;
    case journal::Op::Restored:
      return pb::HISTORY_OP_RESTORED;
    case journal::Op::Left:
      return pb::HISTORY_OP_LEFT;
    case journal::Op::Forgotten:
      return pb::HISTORY_OP_FORGOTTEN;
    case journal::Op::Rebased:
      return pb::HISTORY_OP_REBASED;
  }
  return pb::HISTORY_OP_UNSPECIFIED;
}

}  // namespace

base::Result<journal::HistoryQuery> historyQuery(const pb::GetHistoryRequest& request) {
  if (!request.pod().empty() && request.namespace_().empty())
    return base::invalidArgument("pod \"" + clean(request.pod()) + "\": give its namespace too");
  if (!request.container().empty() && request.pod().empty())
    return base::invalidArgument("container \"" + clean(request.container()) + "\": give its pod too");
  if (request.limit() < 0) return base::invalidArgument("limit must not be negative");
  journal::HistoryQuery query{request.namespace_(), request.pod(), request.container(), kMostEntries};
  if (request.limit() > 0) query.limit = static_cast<size_t>(std::min(request.limit(), kMostEntries));
  return query;
}

void toProto(const journal::Record& record, pb::HistoryEntry* out) {
  const journal::Change& change = record.change;
  out->set_sequence(record.sequence);
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(change.time.time_since_epoch()).count();
  out->mutable_time()->set_seconds(micros / 1'000'000);
  out->mutable_time()->set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1000));
  out->set_op(opOf(record.op));
  out->set_namespace_(clean(change.owner.ns));
  out->set_pod(clean(change.owner.pod));
  out->set_pod_uid(clean(change.owner.pod_uid));
  out->set_container(clean(change.owner.container));
  out->set_container_id(clean(change.owner.container_id));
  out->set_key(clean(change.key));
  out->set_object(clean(change.object));
  out->set_place(clean(change.place));
  out->set_place_id(change.place_id);
  if (change.found) out->set_found(clean(*change.found));
  out->set_ours(clean(change.ours));
  out->set_asked_by(clean(change.asked_by));
  out->set_note(clean(record.note));
}

pb::GetHistoryResponse historyAnswer(const std::vector<journal::Record>& records) {
  pb::GetHistoryResponse answer;
  for (const journal::Record& record : records) toProto(record, answer.add_entries());
  return answer;
}

}  // namespace plimsoll::api
