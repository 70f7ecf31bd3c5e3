// The example of docs/nri-plugin.md: it runs, and the page shows exactly what runs.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/nri/plugin_fixture.h"

namespace plimsoll::nri {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Example : public testing::Test {
 protected:
  Example() {
    char name[] = "/tmp/nri_example.XXXXXX";
    dir_ = mkdtemp(name);
    socket_ = dir_ + "/nri.sock";
  }
  ~Example() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(dir_);
  }

  std::string dir_;
  std::string socket_;
  pid_t pid_ = -1;
};

TEST_F(Example, RunsAndSetsTheAnnotatedWeight) {
  FakeRuntime runtime(socket_, fake::likeContainerd219());
  std::string binary = NRI_EXAMPLE_BINARY;
  char* argv[] = {binary.data(), socket_.data(), nullptr};
  ASSERT_EQ(posix_spawn(&pid_, binary.c_str(), nullptr, nullptr, argv, environ), 0);
  ASSERT_TRUE(runtime.waitForPlugins(1));
  auto pod = samplePod(1);
  auto plain = runtime.createContainer(pod, sampleContainer(pod));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->has_adjust());
  (*pod.mutable_annotations())["example.com/cpu-weight"] = "500";
  auto weighted = runtime.createContainer(pod, sampleContainer(pod));
  ASSERT_TRUE(weighted);
  EXPECT_EQ(weighted->adjust().linux().resources().unified().at("cpu.weight"), "500");
}

TEST(Documentation, ShowsTheExampleThatRuns) {
  std::string page = contents(NRI_DOCS "/nri-plugin.md");
  std::string example = contents(NRI_DOCS "/examples/nri_plugin_example.cc");
  ASSERT_FALSE(example.empty());
  EXPECT_NE(page.find("```cpp\n" + example + "```\n"), std::string::npos)
      << "docs/nri-plugin.md must show docs/examples/nri_plugin_example.cc as it is";
}

}  // namespace
}  // namespace plimsoll::nri
