// Plugins that the runtime launches find their identity and their socket in the environment.
#include <sys/stat.h>

#include <cstdlib>

#include "pkg/base/parse.h"
#include "pkg/nri/plugin.h"

namespace plimsoll::nri {
namespace {

constexpr const char* kNameVariable = "NRI_PLUGIN_NAME";
constexpr const char* kIndexVariable = "NRI_PLUGIN_IDX";
constexpr const char* kSocketVariable = "NRI_PLUGIN_SOCKET";

Result<int> socketFromText(const char* text) {
  auto fd = base::parseInt<int>(text);
  struct stat st {};
  if (!fd || *fd < 0 || fstat(*fd, &st) != 0 || !S_ISSOCK(st.st_mode)) {
    return base::invalidArgument(std::string(kSocketVariable) + "=\"" + text + "\" names no open socket");
  }
  return *fd;
}

}  // namespace

Result<PluginOptions> fromEnvironment(PluginOptions defaults) {
  const char* socket = std::getenv(kSocketVariable);
  if (!socket) return defaults;
  ASSIGN_OR_RETURN(int fd, socketFromText(socket));
  defaults.connected.reset(fd);
  if (const char* name = std::getenv(kNameVariable)) defaults.name = name;
  if (const char* index = std::getenv(kIndexVariable)) defaults.index = index;
  return defaults;
}

}  // namespace plimsoll::nri
