// A kubectl whose cluster is a folder, for the tests of the plugin as a process. $PLIMSOLL_FAKE_CLUSTER holds
//   argv          every command line that was given, one for each line, its words divided by tabs
//   agents.json   the answer to `get pods` with the agents' label
//   pods          lines "namespace pod node", the answer to any other `get pods`
//   namespace     of the context
//   exec/POD      what `exec POD` does: "connect SOCKET" (plimsolld connect, $PLIMSOLL_FAKE_AGENT), "hang",
//                 "forbid", "garbage", "flood", "chatter", "die"
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string folder;

std::string contentOf(const std::string& name) {
  std::ifstream file(folder + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

void record(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : "\t") + word;
  line += "\n";
  // One write: several of us run at once.
  const int fd = ::open((folder + "/argv").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (::write(fd, line.data(), line.size()) < 0) std::abort();
  ::close(fd);
}

[[noreturn]] void hang() {
  for (;;) ::pause();
}

int fail(const std::string& message) {
  std::cerr << message << "\n";
  return 1;
}

std::string valueOf(const std::vector<std::string>& words, const std::string& option) {
  for (const std::string& word : words) {
    if (word.starts_with(option + "=")) return word.substr(option.size() + 1);
  }
  return "";
}

int getPods(const std::vector<std::string>& words) {
  const std::string agents = contentOf("agents.json");
  if (valueOf(words, "--selector") == "app.kubernetes.io/name=plimsoll") {
    if (agents == "hang") hang();
    if (agents == "refuse") return fail("Unable to connect to the server: no such host");
    if (agents == "flood") {
      for (const std::string much(1 << 20, 'x'); std::cout << much;) {
      }
      return 1;
    }
    std::cout << agents;
    return 0;
  }
  const auto dashes = std::find(words.begin(), words.end(), "--");
  std::istringstream pods(contentOf("pods"));
  for (std::string line; std::getline(pods, line);) {
    std::istringstream columns(line);
    std::string ns, name;
    columns >> ns >> name;
    const std::string wanted = valueOf(words, "--namespace");
    const bool named = dashes == words.end() || std::find(dashes, words.end(), name) != words.end();
    if (named && (wanted.empty() || wanted == ns)) std::cout << line << "\n";
  }
  return 0;
}

int exec(const std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end() || dashes == words.begin()) return fail("error: no command");
  std::istringstream action(contentOf("exec/" + *(dashes - 1)));
  std::string what, socket;
  action >> what >> socket;
  if (what == "connect") {
    const char* agent = std::getenv("PLIMSOLL_FAKE_AGENT");
    ::execl(agent, "plimsolld", "connect", "--api-socket", socket.c_str(), nullptr);
    return fail("error: exec");
  }
  if (what == "hang") hang();
  if (what == "forbid")
    return fail(
        "Error from server (Forbidden): pods \"x\" is forbidden: User \"jane\" cannot create "
        "resource \"pods/exec\" in API group \"\" in the namespace \"plimsoll\"");
  if (what == "garbage") {
    std::cout << std::string(100'000, '\x7f') << std::flush;
    hang();
  }
  if (what == "flood") {
    for (const std::string zeros(1 << 16, '\0'); std::cout << zeros;) {
    }
    return 1;
  }
  if (what == "chatter") {
    for (const std::string line(1000, 'e'); std::cerr << line << "\n";) {
    }
  }
  return 137;
}

}  // namespace

int main(int argc, char** argv) {
  const char* given = std::getenv("PLIMSOLL_FAKE_CLUSTER");
  if (given == nullptr) return fail("no cluster");
  folder = given;
  std::vector<std::string> words(argv + 1, argv + argc);
  record(words);
  std::erase_if(words, [](const std::string& word) {
    return word.starts_with("--context=") || word.starts_with("--kubeconfig=") || word.starts_with("--as");
  });
  if (words.size() >= 2 && words[0] == "config") {
    std::cout << contentOf("namespace");
    return 0;
  }
  if (words.size() >= 2 && words[0] == "get" && words[1] == "pods") return getPods(words);
  if (words.size() >= 2 && words[0] == "get") {
    std::cout << contentOf(words[1]);
    return 0;
  }
  if (!words.empty() && words[0] == "exec") return exec(words);
  return fail("error: unknown command");
}
