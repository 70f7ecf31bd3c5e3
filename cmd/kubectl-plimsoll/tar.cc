#include "cmd/kubectl-plimsoll/tar.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace plimsoll::cli {
namespace {

constexpr size_t kBlock = 512, kName = 100, kPrefix = 155;

struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linkname[100], magic[6],
      version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
static_assert(sizeof(Header) == kBlock);

// Octal digits, zero-filled, and a NUL.
template <size_t N>
void octal(char (&field)[N], uint64_t value) {
  std::snprintf(field, N, "%0*llo", static_cast<int>(N - 1), static_cast<unsigned long long>(value));
}

bool isNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::strchr("-_./", c) != nullptr;
}

bool isHarmless(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.back() == '/') return false;
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c != '\0' && isNameChar(c); })) return false;
  for (size_t at = 0; at < name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    // Neither "", "." or ".." nor a hidden file, nor what looks like an option.
    if (end == at || name[at] == '.' || name[at] == '-') return false;
    at = end + 1;
  }
  return true;
}

// A name of more than 100 bytes is divided at a slash.
bool putName(Header& header, const std::string& name) {
  if (name.size() <= kName) {
    std::memcpy(header.name, name.data(), name.size());
    return true;
  }
  const size_t slash = name.rfind('/', kPrefix);
  if (slash == std::string::npos || slash > kPrefix || name.size() - slash - 1 > kName) return false;
  std::memcpy(header.prefix, name.data(), slash);
  std::memcpy(header.name, name.data() + slash + 1, name.size() - slash - 1);
  return true;
}

}  // namespace

base::Status Tar::add(const std::string& name, std::string_view text) {
  Header header{};
  if (!isHarmless(name) || !putName(header, name))
    return base::invalidArgument("\"" + name + "\" is not a name for an archive");
  octal(header.mode, 0600);
  octal(header.uid, 0);
  octal(header.gid, 0);
  octal(header.size, text.size());
  octal(header.mtime, static_cast<uint64_t>(when_));
  header.type = '0';
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  octal(header.major, 0);
  octal(header.minor, 0);
  // The sum counts its own field as blanks; it is written as six digits, NUL and a blank.
  std::memset(header.checksum, ' ', sizeof header.checksum);
  std::array<unsigned char, kBlock> raw;
  std::memcpy(raw.data(), &header, kBlock);
  unsigned sum = 0;
  for (unsigned char byte : raw) sum += byte;
  std::snprintf(header.checksum, 7, "%06o", sum);
  bytes_.append(reinterpret_cast<const char*>(&header), kBlock);
  bytes_.append(text);
  bytes_.append((kBlock - text.size() % kBlock) % kBlock, '\0');
  return base::ok();
}

std::string Tar::finish() && {
  bytes_.append(2 * kBlock, '\0');
  return std::move(bytes_);
}

}  // namespace plimsoll::cli
