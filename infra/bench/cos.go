package main

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

// cosFolder, where it is set in the environment, makes this program the local COS endpoint over that folder: a process of
// its own, so that its CPU time is told apart.
const cosFolder = "BENCH_COS_FOLDER"

const (
	cosID  = "bench"
	cosKey = "the key of the bench's own COS endpoint"
)

// serveCOS says in its log where it listens, as the functions do, and is ended by a signal.
func serveCOS(dir string) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	bucket, err := cosd.New(dir, cosd.Options{SecretID: cosID, SecretKey: cosKey, Logger: log})
	var l net.Listener
	if err == nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err == nil {
		log.Info("listening", "address", l.Addr().String())
		err = (&http.Server{Handler: bucket, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
	}
	log.Error("COS endpoint failed", "error", err)
	os.Exit(1)
}
