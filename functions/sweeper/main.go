// Sweeper does what is due: later tries, leases that ran out, time-outs, retention, the trash. A timer runs it.
package main

import (
	"context"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/scf"
	"github.com/recon3d/recon3d/shared/taskstore"
)

func main() { scf.RunTimer(build) }

func build(context.Context) (func(context.Context) error, error) {
	var cfg struct {
		Redis     redisdb.Config
		COS       cosstore.Config
		Policy    taskstore.Policy
		Dispatch  dispatch.Config
		Callbacks callback.Config
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
	signer, err := callback.NewSigner(cfg.Callbacks)
	if err != nil {
		return nil, err
	}
	store := taskstore.New(rdb, cfg.Policy)
	s := &sweeper{
		store: store, objects: objects, dispatcher: dispatch.New(cfg.Dispatch, store, objects, signer),
		gap: 4 * cfg.Dispatch.SweepInterval, budget: budget,
	}
	return s.run, nil
}
