// Writes a tar archive (POSIX ustar: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html,
// "ustar Interchange Format") of texts. Not for: links, modes, anything that is read from a disk. Pure.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "pkg/base/result.h"

namespace plimsoll::cli {

class Tar {
 public:
  explicit Tar(std::time_t when) : when_(when) {}

  // InvalidArgument: a name that is empty, longer than 255 bytes or cannot be divided as ustar wants it, or
  // that whoever unpacks the archive should not meet: absolute, with "..", or with anything but letters,
  // digits, "-", "_", "." and "/".
  base::Status add(const std::string& name, std::string_view text);
  // The whole archive, its end included.
  std::string finish() &&;

 private:
  std::time_t when_;
  std::string bytes_;
};

}  // namespace plimsoll::cli
