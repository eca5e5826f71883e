package scf

import (
	"errors"
	"fmt"
	"log/slog"
)

// Mode is how a process is hosted: RUN_MODE.
type Mode string

const (
	// Web is a plain HTTP server: SCF web functions, containers, this machine.
	Web Mode = "web"
	// Event is an SCF event function: HTTP comes as events of API Gateway or of a function URL.
	Event Mode = "event"
	// Lambda is AWS Lambda behind a function URL with response streaming.
	Lambda Mode = "lambda"
)

// hosting is what this package reads from the environment.
type hosting struct {
	Mode     Mode       `env:"RUN_MODE"`
	Host     string     `env:"HOST" envDefault:"0.0.0.0"`
	Port     uint16     `env:"PORT" envDefault:"9000"` // 0: the system chooses
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"INFO"`

	// The platforms set these; their libraries read them too, and say nothing or little when they are missing.
	RPCPort    string `env:"_LAMBDA_SERVER_PORT"`
	RuntimeAPI string `env:"AWS_LAMBDA_RUNTIME_API"`

	fallback Mode // where RUN_MODE is not set
	timer    bool // a timer function, no HTTP
}

// Validate completes the mode and tells what it lacks.
func (h *hosting) Validate() error {
	if h.Mode == "" {
		h.Mode = h.fallback
	}
	switch h.Mode {
	case Web:
		if h.timer {
			return errors.New("RUN_MODE is web, but web functions take no timer: this function runs as event or lambda")
		}
	case Event:
		if h.RPCPort == "" {
			return errors.New("_LAMBDA_SERVER_PORT is not set: with RUN_MODE=event the platform sets it to the port on which it calls")
		}
	case Lambda:
		if h.RuntimeAPI == "" {
			return errors.New("AWS_LAMBDA_RUNTIME_API is not set: with RUN_MODE=lambda the platform sets it")
		}
	default:
		return fmt.Errorf("RUN_MODE is %q: it is one of %s, %s, %s", h.Mode, Web, Event, Lambda)
	}
	return nil
}
