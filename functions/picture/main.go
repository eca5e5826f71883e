// Picture takes images in, by form or by the direct route through COS, and shows and deletes them (contract, section 3).
package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/picturestore"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/scf"
)

type settings struct {
	HTTP   httpjson.Config
	Auth   auth.Config
	Redis  redisdb.Config
	COS    cosstore.Config
	Upload uploadConfig
}

func main() { scf.Run(build) }

func build(context.Context) (http.Handler, error) {
	var s settings
	if err := config.Load(&s); err != nil {
		return nil, err
	}
	rdb, err := redisdb.Open(s.Redis)
	if err != nil {
		return nil, fmt.Errorf("open Redis: %w", err)
	}
	objects, err := cosstore.New(s.COS, scf.Credentials)
	if err != nil {
		return nil, fmt.Errorf("open COS: %w", err)
	}
	return newServer(auth.New(s.Auth), picturestore.New(rdb), objects, s.Upload).handler(s.HTTP), nil
}
