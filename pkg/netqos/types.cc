#include "pkg/netqos/types.h"

namespace plimsoll::netqos {
namespace {

constexpr std::array<std::string_view, kClasses> kClassNames{"system", "high", "normal", "besteffort"};

}  // namespace

std::string_view className(Class which) { return kClassNames[static_cast<size_t>(which) % kClasses]; }

std::optional<Class> classOf(std::string_view name) {
  for (size_t i = 0; i < kClasses; ++i)
    if (kClassNames[i] == name) return static_cast<Class>(i);
  return std::nullopt;
}

std::string_view modeName(Mode mode) {
  switch (mode) {
    case Mode::None:
      return "none";
    case Mode::LinkTcx:
      return "link tcx";
    case Mode::LinkClassic:
      return "link classic";
    case Mode::Cgroup:
      return "cgroup";
    case Mode::SocketsOnly:
      return "sockets only";
    case Mode::SteppedBack:
      return "stepped back";
  }
  return "none";
}

}  // namespace plimsoll::netqos
