# Plimsoll's commands. `make demo` and `make test` install what is missing (Debian's packages, as root), build, and run.
#   make demo          the main job, live: a small virtual machine, a real containerd, annotated pods, the kernel's answer
#   make test          unit tests, tests on this machine's kernel, and the virtual machines
#   make build         the agent and the kubectl plugin, in build/
#   make bench         the measures, as a table          make fuzz    each fuzz target for 60 s
#   make sanitize      unit tests under ASan+UBSan, and the threaded ones under TSan
#   make test-nri-go   our NRI plugin side against NRI's own Go runtime side (needs Go and its module proxy)
#   make test-containerd-2.3   namespaces and scheduling behind containerd 2.3, built from its Go module
#   make test-chart    what helm makes of the chart (helm from its Go module, once; then half a minute)
#   make test-admission  the admission policy and helm on a real kube-apiserver, built from its Go module once (a quarter of an hour
#                      on two busy cores; 160 MB below .cache beside Go's own), with Debian's etcd-server; then two minutes
#   make image         the agent's image with buildah, as build/plimsoll.oci.tar      make test-image  builds it twice and runs it
#   make charts        regenerate the chart's README and deploy/*.yaml
#   make vm-bookworm   the traffic programs and their engine on Debian 12's kernel 6.1, in a virtual machine
#   make format        clang-format the tree              make docs    regenerate the generated pages
#   make clean         remove build/                      make distclean   remove the cached virtual machines too

SHELL := /bin/bash
BUILD ?= build
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
say = @printf '\033[1m==> %s\033[0m\n'

.PHONY: demo test build deps bench fuzz sanitize test-nri-go test-containerd-2.3 test-chart test-admission image test-image charts vm-bookworm format docs clean distclean

deps:
	@scripts/install-deps.sh

$(BUILD)/build.ninja: | deps
	$(say) "configuring in $(BUILD)/"
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo > $(BUILD)-configure.log 2>&1 \
	  || { cat $(BUILD)-configure.log; exit 1; }
	@mv $(BUILD)-configure.log $(BUILD)/configure.log

build: deps $(BUILD)/build.ninja
	$(say) "building the agent, the kubectl plugin and the tests (about ten minutes on two cores the first time)"
	@ninja -C $(BUILD) -j$(JOBS) all

demo: deps $(BUILD)/build.ninja
	$(say) "building the agent, the kubectl plugin and the demo's pod client"
	@ninja -C $(BUILD) -j$(JOBS) plimsolld kubectl-plimsoll podctl
	@tests/vm/demo.sh $(BUILD)

test: build
	$(say) "running the tests"
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

bench: build
	@tests/bench/run.sh $(BUILD)

fuzz: deps
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

sanitize: deps
	@scripts/sanitize.sh

test-nri-go: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) nri_event_plugin
	@tests/nri-go/run.sh $(BUILD)/tests/nri/nri_event_plugin

test-containerd-2.3: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) plimsolld kubectl-plimsoll podctl vm_suite
	@tests/containerd-2.3/run.sh $(BUILD)

test-chart: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) plimsolld
	@PLIMSOLLD=$(abspath $(BUILD))/cmd/plimsolld/plimsolld tests/chart/run.sh

test-admission: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) plimsoll-deploygen
	@tests/admission/run.sh $(BUILD)/tests/chart/plimsoll-deploygen

charts:
	@tests/chart/run.sh --update

image:
	@deploy/image/build.sh $(BUILD)/plimsoll.oci.tar

test-image:
	@tests/image/run.sh

vm-bookworm: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) bpf_suite netqos_suite
	@tests/vm/bpf.sh bookworm $(BUILD)
	@BPF_SUITE=netqos_suite tests/vm/bpf.sh bookworm $(BUILD)

format:
	@git ls-files '*.h' '*.cc' '*.c' | xargs clang-format-14 -i

docs: $(BUILD)/build.ninja
	@ninja -C $(BUILD) plimsoll-docgen plimsoll-deploygen kubectl-plimsoll && scripts/docs.sh $(BUILD)

clean:
	rm -rf $(BUILD) $(BUILD)-configure.log build-asan build-tsan build-fuzz

distclean: clean
	rm -rf .cache
