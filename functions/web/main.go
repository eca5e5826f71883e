// Web serves the page: what the app in this folder is built to.
package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/scf"
)

func main() { scf.Run(build) }

func build(context.Context) (http.Handler, error) {
	var cfg struct {
		Site   siteConfig
		Policy policyConfig
	}
	wrong := config.Load(&cfg)
	s, err := openSite(cfg.Site)
	if err := errors.Join(wrong, err); err != nil {
		return nil, err
	}
	return handler(s, cfg.Policy), nil
}

func handler(s site, policy policyConfig) http.Handler {
	return policy.protect(httpjson.Handler(s.routes(), httpjson.Config{}))
}
