// The text of docs/annotations.md and of README.md's table, made from the settings table. Pure.
#pragma once

#include <string>

namespace plimsoll::docs {

// The example document that the page shows; the generator parses it, so that it stays right.
extern const char* const kExampleDocument;

std::string annotationsPage();
std::string readmeTable();

}  // namespace plimsoll::docs
