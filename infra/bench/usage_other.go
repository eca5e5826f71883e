//go:build !linux

package main

import (
	"errors"
	"syscall"
	"time"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

func memory(int) (now, peak float64, err error) { return 0, 0, errors.ErrUnsupported }

func pause() { time.Sleep(time.Millisecond) }

func doze(d time.Duration) { time.Sleep(d) }

func allowDescriptors(int) error { return errors.ErrUnsupported }
