#include "pkg/nri/answer.h"

#include <algorithm>
#include <memory>

#include "pkg/ttrpc/frame.h"

namespace plimsoll::nri {
namespace {

// The payload is one field of the ttRPC answer: its tag and length take a few bytes.
constexpr size_t kEnvelopeRoom = 64;

bool isAscii(const std::string& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

base::Result<std::string> encodeMessage(const google::protobuf::Message& message) {
  std::string bytes;
  if (!message.SerializeToString(&bytes)) {
    return base::error(base::ErrorCode::Internal, "the answer cannot be encoded");
  }
  if (bytes.size() > ttrpc::kMaxData - kEnvelopeRoom) {
    return base::error(base::ErrorCode::ResourceExhausted, "the answer has " + std::to_string(bytes.size()) +
                                                               " bytes, which is too large to be sent");
  }
  // Writing never fails for bad UTF-8, reading does. Plain ASCII, the usual case, needs no second look.
  if (!isAscii(bytes)) {
    std::unique_ptr<google::protobuf::Message> copy(message.New());
    if (!copy->ParseFromString(bytes)) {
      return base::error(base::ErrorCode::Internal, "the answer holds a string that is not valid UTF-8");
    }
  }
  return bytes;
}

size_t dropNamelessUpdates(google::protobuf::RepeatedPtrField<api::ContainerUpdate>& updates) {
  auto named_end =
      std::stable_partition(updates.pointer_begin(), updates.pointer_end(),
                            [](const api::ContainerUpdate* u) { return !u->container_id().empty(); });
  auto named = static_cast<int>(named_end - updates.pointer_begin());
  int dropped = updates.size() - named;
  updates.DeleteSubrange(named, dropped);
  return static_cast<size_t>(dropped);
}

base::Status checkNoUpdateOf(const std::string& container_id, const api::CreateContainerResponse& answer) {
  for (const api::ContainerUpdate& update : answer.update()) {
    if (update.container_id() == container_id) {
      return base::invalidArgument("the answer updates container " + container_id +
                                   ", which is being created: adjust it instead");
    }
  }
  return base::ok();
}

}  // namespace plimsoll::nri
