// The admission policy as the chart reads it, charts/plimsoll/files/admission.yaml: CEL made from the
// settings table. Three flavours (pods, workloads with a pod template, CronJobs) share variables and
// validations.
//
// What CEL cannot know stays with the agent: rules and classes of the node's configuration, what a policy
// document says, what the node's kernel lacks. Pure, any thread.
#pragma once

#include <string>

namespace plimsoll::deploy {

std::string admissionFile();

}  // namespace plimsoll::deploy
