package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is where the figures were taken, and how busy it was with other things then.
type machine struct {
	cores                    int
	cpu, kernel, redis, load string
}

func thisMachine() machine {
	m := machine{cores: runtime.NumCPU(), cpu: "unknown CPU", kernel: "unknown", redis: "unknown", load: "unknown"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.cpu = strings.TrimSpace(value)
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load, _, _ = strings.Cut(string(text), " ")
	}
	if text, err := exec.Command("redis-server", "--version").Output(); err == nil {
		if _, rest, found := strings.Cut(string(text), " v="); found {
			m.redis, _, _ = strings.Cut(rest, " ")
		}
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores of %s, Linux %s, %s, Redis %s (`appendfsync %s`); load average at the start %s.",
		m.cores, m.cpu, m.kernel, runtime.Version(), m.redis, redisFsync, m.load)
}
