package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/google/uuid"
)

// peer is another server of event streams. Its topics need no making, and it is published to by HTTP. Its events say as much as
// ours, behind their number.
type peer struct {
	server, redis *process
	subscribe     string // path of a topic's stream, without the topic
	publishTo     func(topic string, number int64) string
	topics        []string
	posters       [peerLanes]poster
	known         traits
}

// peerLanes is how many publishers there are at once, each a connection.
const peerLanes = 16

func (p *peer) processes() (server, redis *process) { return p.server, p.redis }

func (p *peer) traits() traits { return p.known }

func (p *peer) addTopics(_ context.Context, count int) error {
	for range count {
		p.topics = append(p.topics, uuid.NewString())
	}
	return nil
}

func (p *peer) request(topic int, lastID string) []byte {
	return eventRequest(p.subscribe+p.topics[topic], lastID)
}

func (p *peer) publish(ctx context.Context, lane, topic int, number int64) error {
	id := p.topics[topic]
	data := strconv.AppendInt(make([]byte, 0, 160), number, 10)
	data = append(data, ` {"taskId":"`+id+`","status":"PROCESSING","attempt":1,"at":"2026-01-01T00:00:00.000Z"}`...)
	return p.posters[lane].post(ctx, p.known.address, p.publishTo(id, number), data)
}

func (p *peer) stuff(ctx context.Context, lane, topic, size int) error {
	return p.posters[lane].post(ctx, p.known.address, p.publishTo(p.topics[topic], 0), bytes.Repeat([]byte("x"), size))
}

func (p *peer) forgotten(context.Context) error { return nil }

func (p *peer) close() error {
	var failed []error
	for i := range p.posters {
		failed = append(failed, p.posters[i].close())
	}
	for _, process := range []*process{p.server, p.redis} {
		if process != nil {
			failed = append(failed, process.stop())
		}
	}
	return errors.Join(failed...)
}

// openPeer is a server of infra/bench/peers, in that folder.
func openPeer(folder string) func(ctx context.Context, b *bench, dir string) (venue, error) {
	return func(ctx context.Context, b *bench, _ string) (_ venue, err error) {
		binary := filepath.Join(b.dir, "bin", "peer-"+folder)
		if _, err := os.Stat(binary); err != nil {
			build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./"+folder)
			build.Dir = filepath.Join(b.root, "infra", "bench", "peers")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if said, err := build.CombinedOutput(); err != nil {
				return nil, skip(fmt.Sprintf("it does not build: %s", bytes.TrimSpace(said)))
			}
		}
		p := &peer{
			subscribe: "/events?stream=",
			publishTo: func(topic string, number int64) string {
				return "/publish?stream=" + topic + "&id=" + strconv.FormatInt(number, 10)
			},
		}
		if p.server, err = spawn(folder, binary, nil, nil); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, p.close())
			}
		}()
		if err := p.server.up(ctx); err != nil {
			return nil, err
		}
		p.known = traits{address: p.server.address, numberInData: true, lanes: peerLanes}
		return p, p.known.answered(ctx, p.server)
	}
}
