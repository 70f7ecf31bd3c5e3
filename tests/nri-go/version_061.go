//go:build nri061

package main

const (
	runtimeVersion = "1.7.24"
	noSplitSync    = "NRI 0.6.1 sends it in one message and fails"
	nriLevel       = "0.6.1"
	updateResult   = "update refused"
)

var newEvents = []string{}
