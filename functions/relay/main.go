// Relay streams the events of tasks to browsers.
package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/scf"
)

func main() { scf.Run(build) }

func build(stopping context.Context) (http.Handler, error) {
	var cfg struct {
		HTTP    httpjson.Config
		Redis   redisdb.Config
		COS     cosstore.Config
		Auth    auth.Config
		Tickets auth.TicketConfig
		Streams streamConfig
	}
	if err := config.Load(&cfg); err != nil {
		return nil, err
	}
	rdb, err := redisdb.Open(cfg.Redis)
	if err != nil {
		return nil, err
	}
	objects, err := cosstore.New(cfg.COS, scf.Credentials)
	if err != nil {
		return nil, err
	}
	h := newRelay(stopping, rdb, objects, cfg.Streams.pace())
	h.users, h.tickets = auth.New(cfg.Auth), auth.NewTickets(cfg.Tickets)
	if cfg.Streams.Lean {
		if err := h.serveLeanly(cfg.COS.SecretID != ""); err != nil {
			slog.Warn("RELAY_LEAN has no effect", "error", err)
		}
	}
	if cfg.Streams.MetricsAddr != "" {
		if err := h.serveMetrics(stopping, cfg.Streams.MetricsAddr); err != nil {
			return nil, err
		}
	}
	return draining{httpjson.Handler(h.routes(), cfg.HTTP), h.close}, nil
}

// draining is the relay's handler, with connections of which the HTTP server knows nothing.
type draining struct {
	http.Handler
	drain func(context.Context)
}

// Drain waits until they have ended, or ctx is done.
func (d draining) Drain(ctx context.Context) { d.drain(ctx) }
