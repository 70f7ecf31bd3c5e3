//go:build nri012

package main

const (
	runtimeVersion = "2.4.0"
	noSplitSync    = ""
	nriLevel       = "0.12.2"
	updateResult   = "updated"
)

var newEvents = []string{"UpdatePodSandbox", "PostUpdatePodSandbox"}
