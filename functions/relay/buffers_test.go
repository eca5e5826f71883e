package main

import (
	"context"
	"net"
	"net/http/httptest"
	"syscall"

	"github.com/recon3d/recon3d/shared/httpjson"
)

const smallBuffer = 4 << 10

// slowServer is the world's, with small send buffers, so that a client which reads nothing is soon felt.
func slowServer(w *world) *httptest.Server {
	s := httptest.NewUnstartedServer(httpjson.Handler(w.relay.routes(), httpjson.Config{}))
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if err := c.(*net.TCPConn).SetWriteBuffer(smallBuffer); err != nil {
			w.t.Error(err)
		}
		return ctx
	}
	s.Start()
	return s
}

func smallReceiveBuffer(_, _ string, c syscall.RawConn) error {
	var set error
	if err := c.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, smallBuffer)
	}); err != nil {
		return err
	}
	return set
}
