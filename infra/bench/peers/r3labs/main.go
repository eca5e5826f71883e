// R3labs streams events by github.com/r3labs/sse.
package main

import (
	"net/http"

	"github.com/r3labs/sse/v2"

	"github.com/recon3d/recon3d/infra/bench/peers/serve"
)

func main() {
	server := sse.New() // replays what it has, from the client's last id on
	server.AutoStream = true
	serve.Events(http.HandlerFunc(server.ServeHTTP), func(stream, _ string, data []byte) error {
		server.CreateStream(stream)
		server.Publish(stream, &sse.Event{Data: data}) // it numbers them itself
		return nil
	})
}
