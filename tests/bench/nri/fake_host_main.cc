// Keeps a fake host's tree for a benchmark's agent: prints its directory, and removes it when stdin ends.
#include <cstdio>
#include <iostream>

#include "tests/support/fake_host/fake_host.h"

int main() {
  plimsoll::testing_support::FakeHost host;
  // What the agent learns at its start of the files that containers have.
  host.container("/kubepods");
  std::cout << host.directory() << std::endl;
  while (std::getchar() != EOF) {
  }
  return 0;
}
