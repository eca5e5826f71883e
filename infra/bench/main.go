// Bench measures what the product promises: the size of the functions' binaries, how fast they start, the memory they hold,
// and how long uploads, callbacks, events and the demo take. See README.md for the latest figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// scenario is one thing that is measured. It adds its figures to the table of b.
type scenario struct {
	name, about string
	run         func(ctx context.Context, b *bench) error
}

func scenarios() []scenario {
	return []scenario{
		{"size", "binaries: bytes, static, stripped", measureSize},
		{"start", "process start to the first answer", measureStart},
		{"memory", "resident memory after 1,000 requests; the peak of picture under large pictures", measureMemory},
		{"upload", "an upload beside its parts done the plain way", measureUpload},
		{"events", "a callback's answer to the event at the browser, with 100 open streams", measureEvents},
		{"redis", "round trips to Redis, counted at the socket", measureTrips},
		{"store", "changes of a task beside bare scripts of the same writes", measureStore},
		{"relay", "event streams: the relay and its peers under thousands of clients", measureRelay},
		{"load", "tasks through the whole system, created to COMPLETED at the browser", measureLoad},
		{"demo", "make demo, whole", measureDemo},
	}
}

func main() {
	if dir := os.Getenv(cosFolder); dir != "" { // this program is also the COS endpoint that it measures against
		serveCOS(dir)
	}
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once; the kernel takes its children along
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) (exitCode int) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("run", "", "measure only the scenarios whose name matches this `regexp`")
	n := flags.Int("n", 50, "how often: `N` starts of each function, N uploads, 20×N callbacks, N/10 demos (at least one)")
	output := flags.String("o", "", "write the table to this `file` too; between its marks, where it has some as README.md has")
	relay := relaySizes{only: regexp.MustCompile(""), grace: 10 * time.Second}
	flags.IntVar(&relay.clients, "clients", 5000, "relay: `N` clients, and twice as many idle ones")
	flags.DurationVar(&relay.length, "length", 10*time.Second, "relay: how long events are published")
	flags.DurationVar(&relay.hold, "hold", 20*time.Second, "relay: how long idle clients idle")
	flags.IntVar(&relay.rounds, "rounds", 3, "relay: medians of `N` rounds, in which the servers take turns")
	flags.Func("relay", "relay: only what matches this `regexp`, such as 'lean/(A|D)'", func(s string) (err error) {
		relay.only, err = regexp.Compile(s)
		return err
	})
	check := flags.Bool("check", false, "exit with 1 where a budget is missed")
	flags.Usage = func() {
		out := flags.Output()
		fmt.Fprint(out, "Usage: go run ./infra/bench [flags]\n\nMeasures the budgets on this machine, over loopback only. Progress goes to standard error, a Markdown table\n"+
			"to standard output. It builds what it measures. It needs Linux and a redis-server on the PATH.\n\nFlags:\n")
		flags.PrintDefaults()
		fmt.Fprint(out, "\nScenarios:\n")
		for _, s := range scenarios() {
			fmt.Fprintf(out, "  %-8s %s\n", s.name, s.about)
		}
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	matching, err := regexp.Compile(*only)
	if err != nil || *n < 1 || relay.clients < 1 || relay.rounds < 1 || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench: -run takes a regular expression, -n, -clients and -rounds positive numbers, and there are no other arguments")
		return 2
	}

	b, err := newBench(ctx, *n)
	if err != nil {
		log.Print(err)
		return 1
	}
	defer b.close()
	b.relay = relay
	failed := b.measure(ctx, matching)
	report := b.report()
	fmt.Print(report)
	if *output != "" {
		if err := writeReport(*output, report, b.table.pictures); err != nil {
			log.Print(err)
			failed = true
		}
	}
	if failed || *check && !b.table.met() {
		return 1
	}
	return 0
}
