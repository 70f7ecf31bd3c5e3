package main

import (
	"os"
	"strconv"
	"syscall"
)

func suspend(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process)        { p.Signal(syscall.SIGCONT) }

// dropConnections shuts down every connection that was accepted on the socket, as the end of the runtime's process
// does: Adaptation.Stop() leaves those of external plugins open.
func dropConnections(socket string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		name, err := syscall.Getsockname(fd)
		if address, ok := name.(*syscall.SockaddrUnix); err == nil && ok && address.Name == socket {
			syscall.Shutdown(fd, syscall.SHUT_RDWR)
		}
	}
}
