//go:build !nri061 && !nri012

package main

const (
	runtimeVersion = "2.1.9"
	noSplitSync    = ""
	nriLevel       = "0.8.0"
	updateResult   = "update refused"
)

var newEvents = []string{}
