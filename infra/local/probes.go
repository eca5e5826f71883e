package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// elsewhere is how long a part that is not started here may take to answer.
	elsewhere = 20 * time.Second
	// probeTime bounds one question to a part.
	probeTime = 5 * time.Second
	// probePause is the pause between two questions.
	probePause = 100 * time.Millisecond
)

// until asks a part that is not started here until it answers.
func until(ctx context.Context, part string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, elsewhere)
	defer cancel()
	for {
		once, done := context.WithTimeout(ctx, probeTime)
		err := ask(once)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(probePause):
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", part, err)
		}
	}
}

// accepts asks whether somebody listens.
func accepts(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// healthy asks a worker whether it can work.
func healthy(ctx context.Context, worker string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, worker+"/health", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /health: %s", res.Status)
	}
	return nil
}

// answers waits until there is an HTTP server at an address that the environment names, whatever it says.
func answers(ctx context.Context, variable, address string) error {
	return until(ctx, variable+"="+address, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
}
