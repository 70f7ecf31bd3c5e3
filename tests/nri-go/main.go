// NRI's own runtime side (pkg/adaptation) against a plugin of ours: starts it, sends it a list of cases, prints PASS or
// FAIL for each. The plugin is the example of docs/nri-plugin.md, or any that answers CreateContainer by setting
// cpu.weight from the pod's annotation.
//
//	nri-go -plugin PATH [-annotation KEY]
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	nri "github.com/containerd/nri/pkg/adaptation"
	"github.com/containerd/nri/pkg/api"
)

const annotation = "example.com/cpu-weight"

var pluginPath = flag.String("plugin", "", "the plugin's binary; it gets the socket's path as its argument")

// runtime is NRI's runtime side with a list of pods that the test decides.
type runtime struct {
	*nri.Adaptation
	mu         sync.Mutex
	pods       []*api.PodSandbox
	containers []*api.Container
	updates    int // asked for by the plugin
}

func newRuntime(socket, version string, pods int) (*runtime, error) {
	r := &runtime{}
	for i := 0; i < pods; i++ {
		pod := samplePod(i)
		pod.Annotations["note"] = strings.Repeat("a", 1024)
		r.pods = append(r.pods, pod)
		r.containers = append(r.containers, sampleContainer(pod))
	}
	update := func(_ context.Context, updates []*nri.ContainerUpdate) ([]*nri.ContainerUpdate, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.updates += len(updates)
		return nil, nil
	}
	dir := filepath.Dir(socket)
	a, err := nri.New("containerd", version, r.synchronize, update, nri.WithSocketPath(socket),
		nri.WithPluginPath(dir+"/plugins"), nri.WithPluginConfigPath(dir+"/conf"))
	if err != nil {
		return nil, err
	}
	r.Adaptation = a
	return r, a.Start()
}

func (r *runtime) synchronize(ctx context.Context, cb nri.SyncCB) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := cb(ctx, r.pods, r.containers)
	return err
}

// waitForPlugin returns when a plugin answers: only then has the runtime it on its list.
func (r *runtime) waitForPlugin() error {
	return eventually("no plugin answers", func() bool {
		got, err := r.weight("777")
		return err == nil && got == "777"
	})
}

func eventually(otherwise string, holds func() bool) error {
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("%s in 15 s", otherwise)
}

func samplePod(i int) *api.PodSandbox {
	return &api.PodSandbox{
		Id: fmt.Sprintf("pod-%d", i), Name: fmt.Sprintf("web-%d", i), Namespace: "default", Uid: fmt.Sprintf("uid-%d", i),
		Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"kubernetes.io/config.source": "api"},
	}
}

func sampleContainer(pod *api.PodSandbox) *api.Container {
	return &api.Container{
		Id: "container-of-" + pod.Id, PodSandboxId: pod.Id, Name: "app", State: api.ContainerState_CONTAINER_RUNNING,
		Args: []string{"/bin/server"}, Env: []string{"PATH=/bin"},
	}
}

// weight asks for a container of a pod with that weight and returns what the plugin set.
func (r *runtime) weight(want string) (string, error) {
	pod := samplePod(1000)
	if want != "" {
		pod.Annotations[annotation] = want
	}
	reply, err := r.CreateContainer(context.Background(), &nri.CreateContainerRequest{Pod: pod, Container: sampleContainer(pod)})
	if err != nil {
		return "", err
	}
	return reply.GetAdjust().GetLinux().GetResources().GetUnified()["cpu.weight"], nil
}

func (r *runtime) expectWeight(want string) error {
	got, err := r.weight(want)
	if err == nil && got != want {
		err = fmt.Errorf("cpu.weight %q, want %q", got, want)
	}
	return err
}

type harness struct {
	dir    string
	socket string
	plugin *exec.Cmd
	rt     *runtime

	mu    sync.Mutex
	heard map[string]bool // lines the plugin wrote
}

func (h *harness) startPlugin() error {
	h.plugin = exec.Command(*pluginPath, h.socket)
	if os.Getenv("VERBOSE") != "" {
		h.plugin.Stderr = os.Stderr
	}
	out, err := h.plugin.StdoutPipe()
	if err != nil {
		return err
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			h.mu.Lock()
			h.heard[lines.Text()] = true
			h.mu.Unlock()
		}
	}()
	return h.plugin.Start()
}

// waitForLines returns when the plugin has written all of them.
func (h *harness) waitForLines(lines ...string) error {
	for _, line := range lines {
		if err := eventually("the plugin did not write \""+line+"\"", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.heard[line]
		}); err != nil {
			return err
		}
	}
	return nil
}

func (h *harness) stopPlugin() {
	if h.plugin != nil {
		h.plugin.Process.Kill()
		h.plugin.Wait()
		h.plugin = nil
	}
}

func (h *harness) startRuntime(pods int) (err error) {
	h.rt, err = newRuntime(h.socket, runtimeVersion, pods)
	return err
}

func (h *harness) stopRuntime() {
	h.rt.Stop()
	dropConnections(h.socket)
}

func registers(h *harness) error {
	if err := h.startRuntime(3); err != nil {
		return err
	}
	if err := h.startPlugin(); err != nil {
		return err
	}
	return h.rt.waitForPlugin()
}

func adjusts(h *harness) error { return h.rt.expectWeight("500") }

func leavesAlone(h *harness) error { return h.rt.expectWeight("") }

// An answer beyond 4087 bytes must be cut so that Go's reader takes it.
func bigAnswers(h *harness) error {
	for _, size := range []int{4000, 4030, 4040, 4050, 4060, 4070, 4080, 4096, 5000, 100_000, 3_000_000} {
		if err := h.rt.expectWeight(strings.Repeat("9", size)); err != nil {
			return fmt.Errorf("answer of about %d bytes: %w", size, err)
		}
	}
	for size := 3990; size < 4110; size++ {
		if err := h.rt.expectWeight(strings.Repeat("9", size)); err != nil {
			return fmt.Errorf("answer of about %d bytes: %w", size, err)
		}
	}
	return nil
}

func allEvents(h *harness) error {
	if err := notices(h.rt); err != nil {
		return err
	}
	if err := h.waitForLines(append(newEvents, "level "+nriLevel, "RunPodSandbox", "CreateContainer", "PostCreateContainer",
		"StartContainer", "PostStartContainer", "UpdateContainer", "PostUpdateContainer", "StopContainer",
		"RemoveContainer", "StopPodSandbox", "RemovePodSandbox")...); err != nil {
		return err
	}
	return h.rt.expectWeight("501")
}

// The plugin asks for one update, from outside of any event, if this release can take it.
func unsolicitedUpdate(h *harness) error {
	if err := h.waitForLines(updateResult); err != nil {
		return err
	}
	h.rt.mu.Lock()
	defer h.rt.mu.Unlock()
	if asked := h.rt.updates > 0; asked != (updateResult == "updated") {
		return fmt.Errorf("%d updates reached the runtime", h.rt.updates)
	}
	return nil
}

func manyCalls(h *harness) error {
	for i := 1; i <= 3000; i++ {
		if err := h.rt.expectWeight(fmt.Sprint(i)); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

// The plugin is stopped for longer than the request's time-out: dropped, and back when it runs again.
func lateAndBack(h *harness) error {
	nri.SetPluginRequestTimeout(300 * time.Millisecond)
	defer nri.SetPluginRequestTimeout(nri.DefaultPluginRequestTimeout)
	if err := suspend(h.plugin.Process); err != nil {
		return err
	}
	got, err := h.rt.weight("500")
	resume(h.plugin.Process)
	if err != nil || got != "" {
		return fmt.Errorf("a stopped plugin: cpu.weight %q, error %v; want nothing", got, err)
	}
	if err := h.rt.waitForPlugin(); err != nil {
		return err
	}
	return h.rt.expectWeight("502")
}

func survivesRuntimeRestart(h *harness) error {
	h.stopRuntime()
	if err := h.startRuntime(1); err != nil {
		return err
	}
	if err := h.rt.waitForPlugin(); err != nil {
		return err
	}
	return h.rt.expectWeight("503")
}

func pluginRestart(h *harness) error {
	h.stopPlugin()
	if err := h.startPlugin(); err != nil {
		return err
	}
	if err := h.rt.waitForPlugin(); err != nil {
		return err
	}
	return h.rt.expectWeight("504")
}

// Two that claim one field: the runtime refuses the request, and both stay connected.
func twoOfOneName(h *harness) error {
	second := &harness{dir: h.dir, socket: h.socket, heard: map[string]bool{}}
	if err := second.startPlugin(); err != nil {
		return err
	}
	defer second.stopPlugin()
	if err := eventually("two plugins set one field and the runtime does not mind", func() bool {
		_, err := h.rt.weight("505")
		return err != nil
	}); err != nil {
		return err
	}
	if _, err := h.rt.weight(""); err != nil {
		return err
	}
	second.stopPlugin()
	time.Sleep(100 * time.Millisecond)
	return h.rt.expectWeight("505")
}

// More than 4 MiB of pods and containers, in parts.
func splitSync(h *harness) error {
	h.stopRuntime()
	if err := h.startRuntime(6000); err != nil {
		return err
	}
	if err := h.rt.waitForPlugin(); err != nil {
		return err
	}
	return h.rt.expectWeight("506")
}

func main() {
	flag.Parse()
	dir, err := os.MkdirTemp("", "nri-go")
	if err != nil || *pluginPath == "" {
		fmt.Fprintln(os.Stderr, "usage: nri-go -plugin PATH", err)
		os.Exit(2)
	}
	defer os.RemoveAll(dir)
	for _, sub := range []string{"plugins", "conf"} {
		os.Mkdir(filepath.Join(dir, sub), 0o700)
	}
	h := &harness{dir: dir, socket: filepath.Join(dir, "nri.sock"), heard: map[string]bool{}}
	failed := 0
	for _, c := range []struct {
		name string
		run  func(*harness) error
		skip string
	}{
		{"registers, is configured and synchronized", registers, ""},
		{"adjusts an annotated container", adjusts, ""},
		{"leaves others alone", leavesAlone, ""},
		{"answers of every size around Go's buffer and up to 3 MB", bigAnswers, ""},
		{"every event of this release", allEvents, ""},
		{"UpdateContainers: " + updateResult, unsolicitedUpdate, ""},
		{"3000 calls in a row", manyCalls, ""},
		{"late: dropped, and back", lateAndBack, ""},
		{"runtime restart", survivesRuntimeRestart, ""},
		{"plugin killed and started again", pluginRestart, ""},
		{"two plugins of one name", twoOfOneName, ""},
		{"Synchronize of more than 4 MiB", splitSync, noSplitSync},
	} {
		if c.skip != "" {
			fmt.Printf("SKIP  %s: %s\n", c.name, c.skip)
			continue
		}
		if err := c.run(h); err != nil {
			fmt.Printf("FAIL  %s: %v\n", c.name, err)
			failed++
			continue
		}
		fmt.Printf("PASS  %s\n", c.name)
	}
	h.stopPlugin()
	if h.rt != nil {
		h.rt.Stop()
	}
	os.RemoveAll(dir)
	if failed > 0 {
		os.Exit(1)
	}
}
