#include "pkg/base/log.h"
#include "pkg/nri/plugin.h"

using namespace plimsoll;

// Gives the containers of a pod annotated "example.com/cpu-weight" that weight of the CPU (cgroup v2).
class CpuWeight : public nri::Handler {
  nri::EventMask configure(const nri::RuntimeInfo&) override { return {nri::Event::CreateContainer}; }

  nri::Result<nri::api::CreateContainerResponse> createContainer(const nri::api::PodSandbox& pod,
                                                                 const nri::api::Container&,
                                                                 const nri::CallInfo&) override {
    nri::api::CreateContainerResponse answer;
    auto weight = pod.annotations().find("example.com/cpu-weight");
    if (weight == pod.annotations().end()) return answer;
    auto* resources = answer.mutable_adjust()->mutable_linux()->mutable_resources();
    (*resources->mutable_unified())["cpu.weight"] = weight->second;
    return answer;
  }
};

int main(int argc, char** argv) {
  nri::PluginOptions options{.name = "cpu-weight", .index = "50"};
  if (argc > 1) options.socket_path = argv[1];
  auto loop = std::move(sys::EventLoop::create().value());
  CpuWeight handler;
  nri::Plugin plugin(*loop, std::move(options), handler);
  if (auto started = plugin.start(); !started) {
    base::log::error("Cannot start", {{"reason", started.error().message}});
    return 1;
  }
  loop->run();
}
