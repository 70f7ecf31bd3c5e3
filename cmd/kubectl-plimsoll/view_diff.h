// Desired against actual, as lines that a reader of `diff -u` knows: "-" is what was asked for and is not so,
// "+" is what is there instead. Pure, any thread.
#pragma once

#include <span>
#include <string>

#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

// "" where every setting is as desired. What the kernel keeps in another form (Adjusted) and what a parent's
// file binds (Moot) are differences, since the container does not have what was asked for.
std::string diffText(std::span<const pb::Container> containers, const View& view);

}  // namespace plimsoll::cli
