// Callback-result takes the files that workers make: small ones in the request, large ones that were put to COS directly.
package main

import (
	"context"
	"net/http"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/cosstore"
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
		Policy    taskstore.Policy
		Callbacks callback.Config
		// MaxBytes is the size of a result by the direct route.
		MaxBytes int64 `env:"RESULT_MAX_BYTES" envDefault:"268435456"`
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
	h := &receiver{signer: signer, store: taskstore.New(rdb, cfg.Policy), objects: objects, maxBytes: cfg.MaxBytes}
	return httpjson.Handler(h.routes(), cfg.HTTP), nil
}
