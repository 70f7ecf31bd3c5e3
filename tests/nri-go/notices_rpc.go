//go:build nri012

// From NRI 0.12 on each notice has a request of its own.

package main

import (
	"context"

	"github.com/containerd/nri/pkg/api"
)

func notices(r *runtime) error {
	pod := samplePod(1)
	container := sampleContainer(pod)
	ctx := context.Background()
	for _, send := range []func() error{
		func() error { return r.RunPodSandbox(ctx, &api.RunPodSandboxRequest{Pod: pod}) },
		func() error {
			return r.PostCreateContainer(ctx, &api.PostCreateContainerRequest{Pod: pod, Container: container})
		},
		func() error { return r.StartContainer(ctx, &api.StartContainerRequest{Pod: pod, Container: container}) },
		func() error {
			return r.PostStartContainer(ctx, &api.PostStartContainerRequest{Pod: pod, Container: container})
		},
		func() error {
			_, err := r.UpdateContainer(ctx, &api.UpdateContainerRequest{Pod: pod, Container: container, LinuxResources: &api.LinuxResources{}})
			return err
		},
		func() error {
			return r.PostUpdateContainer(ctx, &api.PostUpdateContainerRequest{Pod: pod, Container: container})
		},
		func() error {
			_, err := r.StopContainer(ctx, &api.StopContainerRequest{Pod: pod, Container: container})
			return err
		},
		func() error {
			return r.RemoveContainer(ctx, &api.RemoveContainerRequest{Pod: pod, Container: container})
		},
		func() error {
			_, err := r.UpdatePodSandbox(ctx, &api.UpdatePodSandboxRequest{Pod: pod})
			return err
		},
		func() error { return r.PostUpdatePodSandbox(ctx, &api.PostUpdatePodSandboxRequest{Pod: pod}) },
		func() error { return r.StopPodSandbox(ctx, &api.StopPodSandboxRequest{Pod: pod}) },
		func() error { return r.RemovePodSandbox(ctx, &api.RemovePodSandboxRequest{Pod: pod}) },
	} {
		if err := send(); err != nil {
			return err
		}
	}
	return nil
}
