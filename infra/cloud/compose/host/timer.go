package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/recon3d/recon3d/infra/local/timer"
)

// eventPort is where each event function's container takes its events (_LAMBDA_SERVER_PORT).
const eventPort = "9001"

func runTimer(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("host timer", flag.ContinueOnError)
	every := flags.Duration("every", 15*time.Second, "the time between two events, the functions' SWEEP_INTERVAL")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *every <= 0 {
		return fmt.Errorf("-every is %v, and has to be longer than nothing", *every)
	}
	d, _, err := readDeployment()
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for _, t := range d.Timers {
		f, _ := d.Function(t.Function) // the manifest knows it
		one := timer.Timer{
			Name: t.Name, Message: t.Message, Every: *every, Log: slog.Default(),
			Function: timer.Function{Name: f.Name, Address: net.JoinHostPort(f.Name, eventPort), Memory: f.Memory, Timeout: f.Timeout},
		}
		running.Go(func() { one.Run(ctx) })
		slog.Info("timer runs", "function", f.Name, "every", every.String())
	}
	running.Wait()
	return nil
}
