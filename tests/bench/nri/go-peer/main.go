// The peer of the benchmark: the smallest useful plugin over NRI's own Go plugin library. It does what the example of
// docs/nri-plugin.md does, and nothing else.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
	"github.com/sirupsen/logrus"
)

type plugin struct{}

func (plugin) Synchronize(context.Context, []*api.PodSandbox, []*api.Container) ([]*api.ContainerUpdate, error) {
	return nil, nil
}

func (plugin) CreateContainer(_ context.Context, pod *api.PodSandbox, _ *api.Container) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	weight, ok := pod.GetAnnotations()["plimsoll.dev/cpu.weight"]
	if !ok {
		return nil, nil, nil
	}
	adjust := &api.ContainerAdjustment{}
	adjust.AddLinuxUnified("cpu.weight", weight)
	return adjust, nil, nil
}

func main() {
	socket := flag.String("socket", "/var/run/nri/nri.sock", "the runtime's socket")
	flag.Parse()
	logrus.SetLevel(logrus.ErrorLevel)
	s, err := stub.New(plugin{}, stub.WithPluginName("go-peer"), stub.WithPluginIdx("50"), stub.WithSocketPath(*socket))
	if err == nil {
		err = s.Run(context.Background())
	}
	if err != nil {
		logrus.Error(err)
		os.Exit(1)
	}
}
