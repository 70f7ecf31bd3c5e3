// Makes text of unknown origin fit for a protobuf string: annotations may hold any bytes, while a message
// with invalid UTF-8 in it is refused by every receiver as a whole. Pure, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::api {

// Invalid bytes become U+FFFD. Text longer than `limit` bytes is cut at a character's end and marked with
// "...".
std::string validUtf8(std::string_view text, size_t limit = 4096);

}  // namespace plimsoll::api
