// Create-task turns a picture into a task and hands it to a worker.
package main

import (
	"context"
	"net/http"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/scf"
	"github.com/recon3d/recon3d/shared/taskstore"
)

func main() { scf.Run(build) }

func build(context.Context) (http.Handler, error) {
	var cfg struct {
		HTTP      httpjson.Config
		Redis     redisdb.Config
		COS       cosstore.Config
		Auth      auth.Config
		Tickets   auth.TicketConfig
		Policy    taskstore.Policy
		Dispatch  dispatch.Config
		Callbacks callback.Config
		Limits    limitsConfig
	}
	if err := config.Load(&cfg); err != nil {
		return nil, err
	}
	scf.CollectRarely()
	rdb, err := redisdb.Open(cfg.Redis)
	if err != nil {
		return nil, err
	}
	objects, err := cosstore.New(cfg.COS, scf.Credentials)
	if err != nil {
		return nil, err
	}
	signer, err := callback.NewSigner(cfg.Callbacks)
	if err != nil {
		return nil, err
	}
	store := taskstore.New(rdb, cfg.Policy)
	h := &creator{
		users:      auth.New(cfg.Auth),
		tickets:    auth.NewTickets(cfg.Tickets),
		store:      store,
		objects:    objects,
		dispatcher: dispatch.New(cfg.Dispatch, store, objects, signer),
		limits:     cfg.Limits.of(cfg.Auth.Mode),
	}
	return httpjson.Handler(h.routes(), cfg.HTTP), nil
}
