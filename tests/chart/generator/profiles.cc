#include "tests/chart/generator/profiles.h"

#include "pkg/sandbox/capabilities.h"
#include "pkg/sandbox/profile.h"

namespace plimsoll::deploy {

std::string profilesFile() {
  std::string text =
      "# Generated from pkg/sandbox/profile.cc by plimsoll-deploygen; do not edit. `make docs` writes it "
      "anew.\n"
      "profiles:\n";
  for (const sandbox::Profile& profile : sandbox::profiles()) {
    text += "  " + std::string(profile.name) + ":\n";
    text += "    does: \"" + std::string(profile.does) + "\"\n";
    text += profile.capabilities.empty() ? "    capabilities: []\n" : "    capabilities:\n";
    for (const sandbox::CapabilityReason& reason : profile.capabilities) {
      text += "    - name: " + std::string(sandbox::capabilityName(reason.capability)) + "\n";
      text += "      why: \"" + std::string(reason.why) + "\"\n";
      text += "      without: \"" + std::string(reason.without) + "\"\n";
    }
  }
  return text;
}

}  // namespace plimsoll::deploy
