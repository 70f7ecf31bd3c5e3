// A plugin for tests against other runtime sides: asks for every event but validation, and writes each one's
// name to standard output, one per line; sets cpu.weight from the pod's annotation "example.com/cpu-weight";
// after PostStartContainer it asks for an update of the container and writes "updated" or "update refused".
#include <unistd.h>

#include <string>

#include "pkg/nri/plugin.h"

namespace {

using namespace plimsoll;

void say(std::string line) {
  line += '\n';
  [[maybe_unused]] ssize_t n = write(STDOUT_FILENO, line.data(), line.size());
}

base::Status heard(const char* event) {
  say(event);
  return base::ok();
}

class Events : public nri::Handler {
 public:
  explicit Events(sys::EventLoop& loop) : loop_(loop) {}
  void setPlugin(nri::Plugin& plugin) { plugin_ = &plugin; }

  nri::EventMask configure(const nri::RuntimeInfo& runtime) override {
    say("level " + toString(runtime.level));
    // Without validation: a validator that is late or gone fails the creation, and being late is one of the
    // cases.
    auto validation = nri::EventMask{nri::Event::ValidateContainerAdjustment};
    return nri::EventMask::fromBits(nri::kEventsSince010.bits() & ~validation.bits());
  }
  nri::Result<nri::api::CreateContainerResponse> createContainer(const nri::api::PodSandbox& pod,
                                                                 const nri::api::Container&,
                                                                 const nri::CallInfo&) override {
    say("CreateContainer");
    nri::api::CreateContainerResponse answer;
    auto weight = pod.annotations().find("example.com/cpu-weight");
    if (weight == pod.annotations().end()) return answer;
    auto* resources = answer.mutable_adjust()->mutable_linux()->mutable_resources();
    (*resources->mutable_unified())["cpu.weight"] = weight->second;
    return answer;
  }
  nri::Result<nri::api::UpdateContainerResponse> updateContainer(const nri::api::PodSandbox&,
                                                                 const nri::api::Container&,
                                                                 const nri::api::LinuxResources&,
                                                                 const nri::CallInfo&) override {
    say("UpdateContainer");
    return nri::api::UpdateContainerResponse{};
  }
  nri::Result<nri::api::StopContainerResponse> stopContainer(const nri::api::PodSandbox&,
                                                             const nri::api::Container&,
                                                             const nri::CallInfo&) override {
    say("StopContainer");
    return nri::api::StopContainerResponse{};
  }
  nri::Status postStartContainer(const nri::api::PodSandbox&, const nri::api::Container& container) override {
    // Not inside the handler: the runtime would wait for us while we wait for it.
    loop_.post([this, id = container.id()] {
      nri::api::ContainerUpdate update;
      update.set_container_id(id);
      (*update.mutable_linux()->mutable_resources()->mutable_unified())["memory.high"] = "max";
      plugin_->updateContainers({update},
                                [](const auto& failed) { say(failed ? "updated" : "update refused"); });
    });
    return heard("PostStartContainer");
  }
  nri::Status startContainer(const nri::api::PodSandbox&, const nri::api::Container&) override {
    return heard("StartContainer");
  }
  nri::Status updatePodSandbox(const nri::api::UpdatePodSandboxRequest&) override {
    return heard("UpdatePodSandbox");
  }
  nri::Status runPodSandbox(const nri::api::PodSandbox&) override { return heard("RunPodSandbox"); }
  nri::Status stopPodSandbox(const nri::api::PodSandbox&) override { return heard("StopPodSandbox"); }
  nri::Status removePodSandbox(const nri::api::PodSandbox&) override { return heard("RemovePodSandbox"); }
  nri::Status postUpdatePodSandbox(const nri::api::PodSandbox&) override {
    return heard("PostUpdatePodSandbox");
  }
  nri::Status postCreateContainer(const nri::api::PodSandbox&, const nri::api::Container&) override {
    return heard("PostCreateContainer");
  }
  nri::Status postUpdateContainer(const nri::api::PodSandbox&, const nri::api::Container&) override {
    return heard("PostUpdateContainer");
  }
  nri::Status removeContainer(const nri::api::PodSandbox&, const nri::api::Container&) override {
    return heard("RemoveContainer");
  }

 private:
  sys::EventLoop& loop_;
  nri::Plugin* plugin_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  nri::PluginOptions options{.name = "events", .index = "50"};
  if (argc > 1) options.socket_path = argv[1];
  auto loop = std::move(sys::EventLoop::create().value());
  Events handler(*loop);
  nri::Plugin plugin(*loop, std::move(options), handler);
  handler.setPlugin(plugin);
  if (!plugin.start()) return 1;
  loop->run();
}
