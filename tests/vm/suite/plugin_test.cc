// The kubectl plugin as a user runs it on the node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string output(const std::string& arguments) {
  std::string command = "/payload/kubectl-plimsoll " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return "popen failed";
  std::string text;
  std::array<char, 4096> chunk;
  while (size_t n = fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), n);
  pclose(pipe);
  return text;
}

class Plugin : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure("");
    ASSERT_TRUE(node().startAgent());
  }
  void TearDown() override { node().removePods(); }
};

TEST_F(Plugin, ShowsAskedDesiredAndWhatTheKernelHas) {
  node().run(node().pod("seen", "plimsoll.dev/memory.high: '20000001', plimsoll.dev/memory.min: 1Mi"));
  EXPECT_THAT(output("get -A"), AllOf(HasSubstr("NAMESPACE"), HasSubstr("seen")));
  EXPECT_THAT(output("describe seen -n test"),
              AllOf(HasSubstr("memory.high"), HasSubstr("20000001"), HasSubstr("19528Ki"),
                    HasSubstr("Adjusted"), HasSubstr("memory.min"), HasSubstr("Refused")));
  EXPECT_THAT(output("events -A"), HasSubstr("SettingRefused"));
}

TEST_F(Plugin, DoctorFindsThisNodeFit) {
  EXPECT_THAT(output("doctor --local"), AllOf(HasSubstr("cgroup"), HasSubstr("nri.sock is there"),
                                              HasSubstr("connected"), Not(HasSubstr("not online"))));
}

}  // namespace
}  // namespace plimsoll::vm
