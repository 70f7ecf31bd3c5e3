//go:build !nri012

// Up to NRI 0.11 a notice is a StateChangeEvent.

package main

import (
	"context"

	nri "github.com/containerd/nri/pkg/adaptation"
)

func notices(r *runtime) error {
	pod := samplePod(1)
	container := sampleContainer(pod)
	ctx := context.Background()
	for _, send := range []func(context.Context, *nri.StateChangeEvent) error{
		r.RunPodSandbox, r.PostCreateContainer, r.StartContainer, r.PostStartContainer, r.PostUpdateContainer,
		r.RemoveContainer, r.StopPodSandbox, r.RemovePodSandbox,
	} {
		if err := send(ctx, &nri.StateChangeEvent{Pod: pod, Container: container}); err != nil {
			return err
		}
	}
	_, err := r.UpdateContainer(ctx, &nri.UpdateContainerRequest{Pod: pod, Container: container, LinuxResources: &nri.LinuxResources{}})
	if err == nil {
		_, err = r.StopContainer(ctx, &nri.StopContainerRequest{Pod: pod, Container: container})
	}
	return err
}
