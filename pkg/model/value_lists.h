// Text of number and port lists; internal to pkg/model. Errors are only the part after the quoted text.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/model/value.h"

namespace plimsoll::model {

// Numbers separated by blanks, each of at most 64 bits with or without a sign. No range is checked.
base::Result<Integers> readIntegers(std::string_view text);
std::string formatInteger(Integers::Wide value);
std::string formatIntegers(const Integers& value);
std::partial_ordering order(const Integers& a, const Integers& b);

// "8080,9000-9100" sorted and joined, so that equal sets have equal text; "" is the empty set.
base::Result<std::string> canonicalPorts(std::string_view text);

}  // namespace plimsoll::model
