#include "tests/vm/suite/node.h"

#include <dirent.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "pkg/base/parse.h"
#include "pkg/sandbox/profile.h"

namespace plimsoll::vm {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::chrono::system_clock::time_point deadline(std::chrono::seconds limit) {
  return std::chrono::system_clock::now() + limit;
}

// Exactly what the profiles need, unless the manifest names capabilities of its own.
void confine(podctl::ContainerSpec& agent, bool capabilities) {
  if (!agent.add_capabilities.empty()) return;
  const std::vector<std::string> profiles = securityProfiles();
  auto needs = sandbox::needsOf(profiles);
  if (!needs) {
    std::cerr << needs.error().message << "\n";
    std::exit(1);
  }
  for (int number = 0; capabilities && number < 64; ++number) {
    if (needs->capabilities.has(number)) agent.add_capabilities.push_back(sandbox::capabilityName(number));
  }
  std::string joined;
  for (const std::string& name : profiles) joined += (joined.empty() ? "" : ",") + name;
  agent.args.push_back("--security-profile=" + joined);
}

}  // namespace

std::vector<std::string> securityProfiles() {
  const char* given = getenv("PLIMSOLL_PROFILE");
  std::vector<std::string> names;
  for (std::string_view name : base::split(given && *given ? given : "processes", ','))
    names.emplace_back(name);
  return names;
}

std::string fileText(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::string("<") + strerrorname_np(errno) + ">";
  std::ostringstream text;
  text << in.rdbuf();
  std::string out = text.str();
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

void writeText(const std::string& path, const std::string& text) {
  std::ofstream out(path + ".new");
  out << text;
  out.close();
  ASSERT_EQ(rename((path + ".new").c_str(), path.c_str()), 0) << path;
}

bool eventually(const std::function<bool()>& done, std::chrono::seconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(100ms);
  }
  return true;
}

Node& node() {
  static Node the_node;
  return the_node;
}

Node::Node() {
  auto client = podctl::Client::connect(podctl::kContainerdSocket);
  if (!client) {
    std::cerr << "no runtime: " << client.error().message << "\n";
    std::exit(1);
  }
  client_ = std::move(*client);
  pods_.emplace(*client_);
  for (const char* dir : {"/etc/plimsoll", "/run/plimsoll", "/data"}) fs::create_directories(dir);
}

void Node::configure(const std::string& yaml) {
  writeText(kConfigFile, "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n" + yaml);
}

bool Node::startAgent(const std::string& manifest, bool capabilities) {
  if (!fs::exists(kConfigFile)) configure("");
  auto specs = podctl::parsePods(fileText(manifest));
  if (!specs) {
    std::cerr << specs.error().message << "\n";
    return false;
  }
  // The other manifest names what it needs.
  if (manifest == kAgentManifest) confine(specs->front().containers.front(), capabilities);
  if (auto old = pods_->find(specs->front().name_space, specs->front().name)) (void)pods_->remove(*old, 0);
  auto started = pods_->run(specs->front());
  if (!started || !started->allStarted()) {
    std::cerr << (started ? started->containers.front().error->message : started.error().message) << "\n";
    return false;
  }
  bool ready = eventually([this] {
    auto info = node();
    return info && info->runtime().connected();
  });
  if (!ready) std::cerr << "the agent is not ready:\n" << agentLog() << "\n";
  return ready;
}

int Node::agentPid() const {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    auto pid = base::parseInt<int>(entry.path().filename().string());
    if (pid && fileText("/proc/" + std::to_string(*pid) + "/comm") == "plimsolld") return *pid;
  }
  return 0;
}

void Node::killAgent() {
  int pid = agentPid();
  ASSERT_GT(pid, 0);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  ASSERT_TRUE(eventually([this] { return agentPid() == 0; }));
}

std::string Node::agentLog() {
  auto pod = pods_->find("plimsoll", "plimsolld");
  if (!pod) return pod.error().message;
  auto container = pods_->findContainer(*pod, "");
  if (!container) return container.error().message;
  return pods_->log(container->id).value_or("no log");
}

podctl::PodSpec Node::pod(const std::string& name, const std::string& annotations,
                          const std::string& container_extra, const std::string& ns) {
  std::string yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  namespace: " + ns +
                     "\n  annotations: {" + annotations + "}\nspec:\n  hostNetwork: true\n  containers:\n" +
                     "  - {name: app, image: \"plimsoll.test/busybox:1\", command: [sleep, \"3600\"]" +
                     (container_extra.empty() ? "" : ", " + container_extra) + "}\n";
  auto specs = podctl::parsePods(yaml);
  if (!specs) {
    ADD_FAILURE() << specs.error().message << "\n" << yaml;
    return {};
  }
  return specs->front();
}

podctl::StartedPod Node::run(const podctl::PodSpec& spec) {
  auto started = pods_->run(spec);
  if (!started) {
    ADD_FAILURE() << started.error().message;
    return {};
  }
  return *started;
}

void Node::removePods() {
  auto sandboxes = client_->sandboxes();
  ASSERT_TRUE(sandboxes) << sandboxes.error().message;
  for (const podctl::SandboxInfo& sandbox : *sandboxes) {
    if (sandbox.name_space == "plimsoll") continue;
    auto removed = pods_->remove(sandbox, 0);
    EXPECT_TRUE(removed) << removed.error().message;
  }
}

std::string Node::idOf(const podctl::StartedPod& pod, const std::string& container) {
  for (const auto& started : pod.containers) {
    if (started.name == container) return started.id;
  }
  ADD_FAILURE() << "the pod has no container " << container;
  return {};
}

std::string Node::cgroupOf(const podctl::StartedPod& pod, const std::string& container) {
  return "/sys/fs/cgroup" + pod.cgroup + "/" + idOf(pod, container);
}

std::unique_ptr<v1::Agent::Stub> Node::stub() {
  // A channel each time: the agent behind the socket may be another one by now.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::Agent::NewStub(grpc::CreateCustomChannel(std::string("unix:") + kApiSocket,
                                                      grpc::InsecureChannelCredentials(), arguments));
}

int Node::nriMinor() {
  const auto info = node();
  const std::string version = info ? info->runtime().nri_version() : "";
  const size_t dot = version.find('.');
  return dot == std::string::npos ? 0 : std::atoi(version.c_str() + dot + 1);
}

std::optional<v1::Node> Node::node() {
  grpc::ClientContext context;
  context.set_deadline(deadline(5s));
  v1::Node reply;
  if (!stub()->GetNode(&context, {}, &reply).ok()) return std::nullopt;
  return reply;
}

std::optional<v1::Container> Node::container(const std::string& id) {
  grpc::ClientContext context;
  context.set_deadline(deadline(10s));
  v1::GetContainerRequest request;
  request.set_id(id);
  v1::Container reply;
  if (!stub()->GetContainer(&context, request, &reply).ok()) return std::nullopt;
  return reply;
}

std::vector<v1::Container> Node::containers() {
  std::vector<v1::Container> all;
  v1::ListContainersRequest request;
  do {
    grpc::ClientContext context;
    context.set_deadline(deadline(30s));
    v1::ListContainersResponse reply;
    grpc::Status status = stub()->ListContainers(&context, request, &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const v1::Container& found : reply.containers()) all.push_back(found);
    request.set_page_token(reply.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

std::vector<v1::Event> Node::events() {
  grpc::ClientContext context;
  context.set_deadline(deadline(10s));
  auto stub_ = stub();
  auto reader = stub_->WatchEvents(&context, {});
  std::vector<v1::Event> events;
  for (v1::WatchEventsResponse reply; reader->Read(&reply);) events.push_back(reply.event());
  EXPECT_TRUE(reader->Finish().ok());
  return events;
}

v1::Setting Node::setting(const std::string& id, const std::string& key) {
  auto found = container(id);
  if (!found) return {};
  for (const v1::Setting& setting : found->settings()) {
    if (setting.key() == key) return setting;
  }
  return {};
}

}  // namespace plimsoll::vm
