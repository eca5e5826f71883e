// Callback-status takes a worker's word about a task: that it works, has finished, has failed, or gives the task back.
package main

import (
	"context"
	"net/http"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/config"
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
		Policy    taskstore.Policy
		Callbacks callback.Config
		// Required are the results without which a task is not completed.
		Required []string `env:"REQUIRED_RESULTS" envSeparator:" " envDefault:"pixel_images.png xyz_images.png output3d.zip"`
	}
	if err := config.Load(&cfg); err != nil {
		return nil, err
	}
	scf.CollectRarely()
	rdb, err := redisdb.Open(cfg.Redis)
	if err != nil {
		return nil, err
	}
	signer, err := callback.NewSigner(cfg.Callbacks)
	if err != nil {
		return nil, err
	}
	h := &reporter{signer: signer, store: taskstore.New(rdb, cfg.Policy), required: cfg.Required}
	return httpjson.Handler(h.routes(), cfg.HTTP), nil
}
