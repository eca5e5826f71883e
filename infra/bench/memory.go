package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"golang.org/x/sync/errgroup"
)

const (
	requests = 1000 // after which memory is read
	atATime  = 4
	// alone is how many come one after the other at first, so that what is repeated later is not refused as still under way.
	alone = 10
)

// measureMemory reads what each function has resident after many requests, and what picture has at most while it decodes.
func measureMemory(ctx context.Context, b *bench) error {
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	st, err := s.stock(ctx)
	if err != nil {
		return fmt.Errorf("make what is asked for: %w", err)
	}
	for _, function := range functions() {
		log.Printf("  %s", function)
		p, send, err := s.asker(ctx, function, st)
		if err != nil {
			return err
		}
		for i := range alone {
			if err := send(ctx, i); err != nil {
				return fmt.Errorf("request to %s: %w", function, err)
			}
		}
		group, gctx := errgroup.WithContext(ctx)
		group.SetLimit(atATime)
		for i := alone; i < requests; i++ {
			group.Go(func() error { return send(gctx, i) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("requests to %s: %w", function, err)
		}
		now, peak, err := memory(p.pid())
		if err != nil {
			return err
		}
		used, err := cpuTime(p.pid())
		if err != nil {
			return err
		}
		b.table.add(figure{
			what: fmt.Sprintf("%s: resident after %d requests, %d at a time", function, requests, atATime), value: now, unit: "MB", atMost: new(40.0),
			beside: fmt.Sprintf("peak %s, CPU a request %s", amount(peak, "MB"), amount(milliseconds(used)/requests, "ms")),
		})
		if err := p.stop(); err != nil {
			return err
		}
	}
	return s.measureLargePictures(ctx)
}

// asker starts a function and tells how to send it request number i of a mix.
func (s *system) asker(ctx context.Context, function string, st *stock) (*process, func(ctx context.Context, i int) error, error) {
	if function == "sweeper" {
		p, sweeper, err := s.startSweeper(ctx)
		if err == nil {
			err = invokeWhenUp(ctx, sweeper)
		}
		return p, func(ctx context.Context, _ int) error {
			_, err := sweeper.Invoke(ctx, []byte(sweep))
			return err
		}, err
	}
	p, err := s.start(ctx, function)
	mix, client := s.mix(function, st), newClient()
	return p, func(ctx context.Context, i int) error {
		a, err := mix[i%len(mix)](i)
		if err == nil {
			_, err = a.send(ctx, client, p.url())
		}
		return err
	}, err
}

// measureLargePictures sends pictures of 12 megapixels, several at a time, to a fresh picture function.
func (s *system) measureLargePictures(ctx context.Context) error {
	const pictures = 20
	log.Printf("  picture, 12 megapixels")
	large, err := jpegOf(landscape(4000, 3000, 2), 4<<20)
	if err != nil {
		return err
	}
	a, err := upload(large, http.StatusCreated)
	if err != nil {
		return err
	}
	p, err := s.start(ctx, "picture")
	if err != nil {
		return err
	}
	client := newClient()
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(atATime)
	for range pictures {
		group.Go(func() error {
			_, err := a.send(gctx, client, p.url())
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	now, peak, err := memory(p.pid())
	if err != nil {
		return err
	}
	s.b.table.add(figure{
		what:  fmt.Sprintf("picture: peak while it takes %d JPEGs of 12 megapixels, %d at a time", pictures, atATime),
		value: peak, unit: "MB", atMost: new(256.0), beside: fmt.Sprintf("%s each; %s afterwards", amount(float64(len(large))/(1<<20), "MB"), amount(now, "MB")),
	})
	return nil
}
