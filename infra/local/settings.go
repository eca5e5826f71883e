package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/recon3d/recon3d/shared/config"
)

// settings is what the host reads from the environment. All else in it is passed on to the functions and the worker.
type settings struct {
	Host     string     `env:"HOST" envDefault:"127.0.0.1"` // of the gateway; all else listens on loopback
	Port     uint16     `env:"PORT" envDefault:"8080"`      // of the gateway; 0: the system chooses
	DataDir  string     `env:"DATA_DIR" envDefault:".data"` // Redis' data, objects, secrets
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"INFO"`
	AuthMode string     `env:"AUTH_MODE" envDefault:"none"`

	SweepInterval time.Duration `env:"SWEEP_INTERVAL" envDefault:"2s"`

	// Started here where they are not set.
	RedisURL   string `env:"REDIS_URL"`
	BucketURL  string `env:"COS_BUCKET_URL"`
	WorkerURLs string `env:"WORKER_URLS"`

	// Chosen here where they are not set, see dataDir.
	PublicBaseURL   string `env:"PUBLIC_BASE_URL"`
	CallbackSecrets string `env:"CALLBACK_SECRETS"`
	TicketSecret    string `env:"TICKET_SECRET"`
	COSSecretID     string `env:"COS_SECRET_ID"`
	COSSecretKey    string `env:"COS_SECRET_KEY"`

	CORSOrigins []string `env:"CORS_ORIGINS" envSeparator:","`

	// WebRoot is the folder of the built page. Where it is not set and make has built none, the system runs without a page.
	WebRoot string `env:"WEB_ROOT"`

	bin string // where the functions' binaries are
}

// load reads the environment. What is wrong is named all together.
func load() (settings, error) {
	var read struct{ S settings }
	err := config.Load(&read)
	s := read.S
	if err != nil {
		return s, err
	}
	if s.bin, err = binaries(); err != nil {
		return s, err
	}
	if s.DataDir, err = filepath.Abs(s.DataDir); err != nil {
		return s, fmt.Errorf("DATA_DIR: %w", err)
	}
	if _, missing := os.Stat(filepath.Join(builtPage, "index.html")); s.WebRoot == "" && missing == nil {
		s.WebRoot = builtPage
	}
	if s.WebRoot != "" {
		if s.WebRoot, err = filepath.Abs(s.WebRoot); err != nil {
			return s, fmt.Errorf("WEB_ROOT: %w", err)
		}
	}
	return s, nil
}

// Validate holds the host to this machine while it asks nobody who they are.
func (s *settings) Validate() error {
	var wrong []error
	if s.SweepInterval <= 0 {
		wrong = append(wrong, errors.New("SWEEP_INTERVAL must be longer than nothing"))
	}
	if ip := net.ParseIP(s.Host); s.AuthMode == "none" && s.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		wrong = append(wrong, fmt.Errorf("HOST=%s would open the system to the network while AUTH_MODE=none lets everybody in: leave HOST out, or set AUTH_MODE=jwt", s.Host))
	}
	if s.BucketURL == "" && (s.COSSecretID == "") != (s.COSSecretKey == "") {
		wrong = append(wrong, errors.New("COS_SECRET_ID and COS_SECRET_KEY go together"))
	}
	return errors.Join(wrong...)
}

// binaries tells where the functions' binaries are: beside this one, or where make puts them.
func binaries() (string, error) {
	if _, err := os.Stat(deploymentFile); err != nil {
		return "", fmt.Errorf("this is to be run at the root of the repository, and here is no %s", deploymentFile)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the binaries: %w", err)
	}
	for _, dir := range []string{filepath.Dir(self), filepath.Join(".build", "bin")} {
		if _, err := os.Stat(filepath.Join(dir, "picture")); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", errors.New("the functions are not built: run make build")
}
