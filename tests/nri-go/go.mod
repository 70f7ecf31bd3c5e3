module plimsoll.dev/tests/nri-go

go 1.21

require github.com/containerd/nri v0.8.0
