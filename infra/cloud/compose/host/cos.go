package main

import (
	"context"
	"flag"
	"log/slog"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/shared/config"
)

// bucket is what `host cos` reads from the environment.
type bucket struct {
	SecretID      string   `env:"COS_SECRET_ID,required"`
	SecretKey     string   `env:"COS_SECRET_KEY,required"`
	PublicBaseURL string   `env:"PUBLIC_BASE_URL,required"`      // whose page reads and writes objects
	CORSOrigins   []string `env:"CORS_ORIGINS" envSeparator:","` // and those of others that may call the API
}

func runCOS(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("host cos", flag.ContinueOnError)
	listen := flags.String("listen", ":8081", "the `ADDRESS` to listen on")
	dir := flags.String("dir", "/data", "the `FOLDER` of the objects")
	if err := parse(flags, args); err != nil {
		return err
	}
	var read struct{ Bucket bucket }
	if err := config.Load(&read); err != nil {
		return err
	}
	b := read.Bucket
	endpoint, err := cosd.New(*dir, cosd.Options{
		SecretID: b.SecretID, SecretKey: b.SecretKey, CORSOrigins: append(b.CORSOrigins, b.PublicBaseURL), Logger: slog.Default(),
	})
	if err != nil {
		return err
	}
	return serve(ctx, *listen, endpoint)
}
