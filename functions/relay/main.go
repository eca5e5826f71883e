// Relay streams the events of tasks to browsers.
package main

import (
	"context"
	"net/http"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/scf"
	"github.com/recon3d/recon3d/shared/taskstore"
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
	store := taskstore.New(rdb, taskstore.Policy{}) // the relay changes no task
	times := cfg.Streams.pace()
	h := &relay{
		users:    auth.New(cfg.Auth),
		tickets:  auth.NewTickets(cfg.Tickets),
		store:    store,
		objects:  objects,
		hubs:     &hubs{start: func() *hub { return startHub(rdb, store, times) }},
		pace:     times,
		stopping: stopping,
	}
	return httpjson.Handler(h.routes(), cfg.HTTP), nil
}
