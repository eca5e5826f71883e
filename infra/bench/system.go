package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/recon3d/recon3d/infra/local/supervise"
	"github.com/recon3d/recon3d/infra/local/timer"
	"github.com/recon3d/recon3d/shared/callback"
)

// requiredResult is the one result without which a task is not completed here.
const requiredResult = "pixel_images.png"

// system is an installation of its own: Redis, the COS endpoint and the functions are a process each, and nothing is shared
// with an earlier one.
type system struct {
	b         *bench
	dir       string
	objects   string // the COS endpoint's folder
	redis     *process
	cos       *process
	worker    *worker
	signer    *callback.Signer
	env       []string // of every function
	processes []*process
}

func (b *bench) system(ctx context.Context) (_ *system, err error) {
	s := &system{b: b}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp(b.dir, "system-"); err != nil {
		return nil, err
	}
	if s.redis, err = startRedis(ctx, filepath.Join(s.dir, "redis")); err != nil {
		return nil, err
	}
	s.processes = append(s.processes, s.redis)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// In memory where there is such a folder: the disk of a stand-in for COS is nothing of ours.
	if s.objects, err = os.MkdirTemp("/dev/shm", "recon3d-bench-"); errors.Is(err, fs.ErrNotExist) {
		s.objects, err = os.MkdirTemp(s.dir, "cos-")
	}
	if err != nil {
		return nil, err
	}
	if s.cos, err = s.spawn("cosd", self, []string{cosFolder + "=" + s.objects}); err != nil {
		return nil, err
	}
	if err := s.cos.up(ctx); err != nil {
		return nil, err
	}
	if s.worker, err = startWorker(); err != nil {
		return nil, err
	}
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()))
	if s.signer, err = callback.NewSigner(callback.Config{Secrets: []string{secret}}); err != nil {
		return nil, err
	}
	site, err := writeSite(s.dir)
	if err != nil {
		return nil, fmt.Errorf("write a page: %w", err)
	}
	s.env = []string{
		"HOST=127.0.0.1", "PORT=0", "REDIS_URL=redis://" + s.redis.address,
		"COS_BUCKET_URL=" + s.cos.url(), "COS_SECRET_ID=" + cosID, "COS_SECRET_KEY=" + cosKey,
		"AUTH_MODE=none", "TICKET_SECRET=" + rand.Text() + rand.Text(), "CALLBACK_SECRETS=" + secret,
		"PUBLIC_BASE_URL=http://127.0.0.1", "WORKER_URLS=" + s.worker.url, "REQUIRED_RESULTS=" + requiredResult,
		"WEB_ROOT=" + site,
	}
	return s, nil
}

func (s *system) spawn(name, path string, env []string) (*process, error) {
	p, err := spawn(name, path, nil, env)
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return p, err
}

// start starts a web function and waits until it listens. Of two settings of a variable the later one counts.
func (s *system) start(ctx context.Context, function string, env ...string) (*process, error) {
	p, err := s.spawn(function, s.b.binary(function), append(append([]string{"RUN_MODE=web"}, s.env...), env...))
	if err != nil {
		return nil, err
	}
	return p, p.up(ctx)
}

// sweep is one event of the timer.
const sweep = `{"Type":"Timer","TriggerName":"sweep","Time":"2026-01-01T00:00:00Z","Message":""}`

// startSweeper starts the sweeper and waits until it says that it listens, which its library does shortly after.
func (s *system) startSweeper(ctx context.Context, env ...string) (*process, timer.Function, error) {
	port, release, err := supervise.ReservePort()
	if err != nil {
		return nil, timer.Function{}, err
	}
	defer release()
	number := strconv.Itoa(port)
	p, err := s.spawn("sweeper", s.b.binary("sweeper"), append(append([]string{"RUN_MODE=event", "_LAMBDA_SERVER_PORT=" + number}, s.env...), env...))
	if err != nil {
		return nil, timer.Function{}, err
	}
	f := timer.Function{Name: "sweeper", Address: net.JoinHostPort("127.0.0.1", number), Memory: 128 << 20, Timeout: time.Minute}
	return p, f, p.up(ctx)
}

// close ends all processes, the first ones last.
func (s *system) close() {
	var failed []error
	for i := range s.processes {
		p := s.processes[len(s.processes)-1-i]
		select {
		case <-p.ended: // killed by its scenario
		default:
			failed = append(failed, p.stop())
		}
	}
	if s.worker != nil {
		failed = append(failed, s.worker.server.Close())
	}
	if err := errors.Join(append(failed, os.RemoveAll(s.dir), os.RemoveAll(s.objects))...); err != nil {
		log.Print(fmt.Errorf("clean up: %w", err))
	}
}
