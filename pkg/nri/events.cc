#include "pkg/nri/events.h"

namespace plimsoll::nri {

std::string_view eventName(Event event) {
  switch (event) {
    case Event::RunPodSandbox:
      return "RunPodSandbox";
    case Event::StopPodSandbox:
      return "StopPodSandbox";
    case Event::RemovePodSandbox:
      return "RemovePodSandbox";
    case Event::CreateContainer:
      return "CreateContainer";
    case Event::PostCreateContainer:
      return "PostCreateContainer";
    case Event::StartContainer:
      return "StartContainer";
    case Event::PostStartContainer:
      return "PostStartContainer";
    case Event::UpdateContainer:
      return "UpdateContainer";
    case Event::PostUpdateContainer:
      return "PostUpdateContainer";
    case Event::StopContainer:
      return "StopContainer";
    case Event::RemoveContainer:
      return "RemoveContainer";
    case Event::UpdatePodSandbox:
      return "UpdatePodSandbox";
    case Event::PostUpdatePodSandbox:
      return "PostUpdatePodSandbox";
    case Event::ValidateContainerAdjustment:
      return "ValidateContainerAdjustment";
  }
  return "UnknownEvent";
}

}  // namespace plimsoll::nri
