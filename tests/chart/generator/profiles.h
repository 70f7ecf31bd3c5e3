// The agent's capability profiles as the chart reads them: charts/plimsoll/files/profiles.yaml. Pure, any
// thread.
#pragma once

#include <string>

namespace plimsoll::deploy {

std::string profilesFile();

}  // namespace plimsoll::deploy
