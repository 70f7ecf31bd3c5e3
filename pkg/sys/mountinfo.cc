#include "pkg/sys/mountinfo.h"

#include <algorithm>

#include "pkg/base/parse.h"

namespace plimsoll::sys {
namespace {

bool isOctal(char c) { return c >= '0' && c <= '7'; }

// Blank, tab, line end and backslash stand as \040, \011, \012 and \134.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && isOctal(text[i + 1]) &&
                        isOctal(text[i + 2]) && isOctal(text[i + 3]);
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

bool readNumbers(const std::vector<std::string_view>& words, Mount& mount) {
  const auto device = base::split(words[2], ':');
  if (device.size() != 2) return false;
  const auto id = base::parseInt<int64_t>(words[0]), parent = base::parseInt<int64_t>(words[1]);
  const auto major = base::parseInt<uint32_t>(device[0]), minor = base::parseInt<uint32_t>(device[1]);
  if (!id || !parent || !major || !minor) return false;
  mount.id = *id;
  mount.parent = *parent;
  mount.major = *major;
  mount.minor = *minor;
  return true;
}

// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
// Split at each blank, not at runs: a file system without a source shows an empty word.
bool readLine(std::string_view line, Mount& mount) {
  const auto words = base::split(line, ' ');
  if (words.size() < 10) return false;
  const auto dash = std::find(words.begin() + 6, words.end(), "-");
  if (words.end() - dash < 4 || !readNumbers(words, mount)) return false;
  mount.root = unescape(words[3]);
  mount.mount_point = unescape(words[4]);
  mount.fs_type = std::string(dash[1]);
  mount.source = unescape(dash[2]);
  mount.super_options = std::string(dash[3]);
  return mount.mount_point.starts_with('/');
}

const Mount* rootMount(const std::vector<Mount>& mounts) {
  for (const Mount& mount : mounts) {
    const auto is_parent = [&](const Mount& other) { return other.id == mount.parent; };
    if (mount.mount_point != "/") continue;
    if (mount.parent == mount.id || std::none_of(mounts.begin(), mounts.end(), is_parent)) return &mount;
  }
  return nullptr;
}

// The mount that a walk along `path` enters next from `current`: of several on the way, the first.
const Mount* nextMount(const std::vector<Mount>& mounts, const Mount& current, std::string_view path) {
  const Mount* next = nullptr;
  for (const Mount& mount : mounts) {
    if (mount.parent != current.id || mount.id == current.id || !isBelow(path, mount.mount_point)) continue;
    if (next == nullptr || mount.mount_point.size() < next->mount_point.size()) next = &mount;
  }
  return next;
}

}  // namespace

base::Result<std::vector<Mount>> parseMountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  for (std::string_view line : base::split(text, '\n')) {
    if (line.empty()) continue;
    Mount mount;
    if (!readLine(line, mount)) {
      return base::error(base::ErrorCode::Internal,
                         "mountinfo line " + std::to_string(mounts.size() + 1) + " is not understood");
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

const Mount* mountHolding(const std::vector<Mount>& mounts, std::string_view path) {
  if (!path.starts_with('/')) return nullptr;
  const Mount* current = rootMount(mounts);
  // No walk is longer than the table; text that makes a circle ends here.
  for (size_t steps = 0; current != nullptr && steps < mounts.size(); ++steps) {
    const Mount* next = nextMount(mounts, *current, path);
    if (next == nullptr) return current;
    current = next;
  }
  return nullptr;
}

bool isBelow(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || path[directory.size()] == '/';
}

}  // namespace plimsoll::sys
