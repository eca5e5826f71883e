package crowd

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

// atOnce is how many clients may wait for the head of their answer: fewer than a listener's queue takes (somaxconn), beyond
// which the kernel drops connections and a second passes until it tries again.
const atOnce = 1000

// client is one connection and what came on it.
type client struct {
	fd     int // 0: not connected
	index  int
	topic  int
	mute   bool
	waits  bool   // for the head of its answer
	unsent []byte // of the request
	answer parser
	last   int64 // highest number that it has
}

// loop serves all clients of a crowd. All but wake is for its own goroutine.
type loop struct {
	cfg     Config
	server  syscall.SockaddrInet4
	clients []client
	next    int // client to look at for connecting
	waiting int // how many wait for the head of their answer
	trying  bool
	epoll   int
	bell    [2]int // a pipe: whoever writes wakes the loop
	buffer  []byte
	waiters []waiter
	over    bool

	tally  Tally
	delays Histogram
	now    time.Duration // when the piece that is being parsed came
	at     *client       // whose it is
}

type waiter struct {
	holds   func() bool
	reached chan struct{}
}

func newLoop(cfg Config) (*loop, error) {
	addr, err := netip.ParseAddrPort(cfg.Address)
	if err != nil || !addr.Addr().Is4() {
		return nil, fmt.Errorf("address %q is not of IPv4", cfg.Address)
	}
	l := &loop{cfg: cfg, server: syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}, buffer: make([]byte, 64<<10)}
	if err := syscall.Pipe2(l.bell[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err == nil {
		err = l.register(syscall.EPOLL_CTL_ADD, l.bell[0], -1, syscall.EPOLLIN)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l.clients = make([]client, cfg.Size)
	for i := range l.clients {
		l.clients[i] = client{index: i, topic: cfg.Topic(i), mute: cfg.Mute != nil && cfg.Mute(i)}
	}
	return l, nil
}

// wake has the loop look at its orders.
func (l *loop) wake() {
	_, _ = syscall.Write(l.bell[1], []byte{0}) // a full pipe wakes as well
}

// run serves until end.
func (l *loop) run(orders <-chan func()) {
	runtime.LockOSThread() // which it blocks most of the time
	defer runtime.UnlockOSThread()
	defer l.close()
	events := make([]syscall.EpollEvent, 256)
	for !l.over {
		n, err := syscall.EpollWait(l.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			l.fail(fmt.Errorf("epoll: %w", err))
			return
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd < 0 {
				l.obey(orders)
			} else if c := &l.clients[e.Fd]; c.fd != 0 {
				l.serve(c, e.Events)
			}
		}
		l.connectSome()
		l.notify()
	}
}

func (l *loop) obey(orders <-chan func()) {
	for {
		if n, _ := syscall.Read(l.bell[0], l.buffer); n < len(l.buffer) { // nothing or an error: it is empty
			break
		}
	}
	for {
		select {
		case order := <-orders:
			order()
		default:
			return
		}
	}
}

func (l *loop) await(holds func() bool, reached chan struct{}) {
	l.waiters = append(l.waiters, waiter{holds, reached})
}

func (l *loop) notify() {
	kept := l.waiters[:0]
	for _, w := range l.waiters {
		if w.holds() {
			close(w.reached)
		} else {
			kept = append(kept, w)
		}
	}
	l.waiters = kept
}

func (l *loop) end() { l.over = true }

func (l *loop) close() {
	l.drop()
	for _, fd := range []int{l.epoll, l.bell[0], l.bell[1]} {
		if fd > 0 {
			_ = syscall.Close(fd) // nothing is lost
		}
	}
}

// settled tells whether each client has its stream or has failed.
func (l *loop) settled() bool { return !l.trying && l.waiting == 0 }

func (l *loop) connectAll() { l.next, l.trying = 0, true }

// connectSome lets clients connect, as many as may wait at once.
func (l *loop) connectSome() {
	for l.trying && l.waiting < atOnce {
		if l.next == len(l.clients) {
			l.trying = false
			return
		}
		c := &l.clients[l.next]
		l.next++
		if c.fd != 0 {
			continue
		}
		if err := l.connect(c); err != nil {
			l.fail(fmt.Errorf("connect: %w", err))
		}
	}
}

func (l *loop) connect(c *client) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.fd, c.waits = fd, true
	l.waiting++
	c.unsent = l.cfg.Request(c.index, string(c.answer.id))
	c.answer = parser{numberInData: l.cfg.NumberInData, id: c.answer.id}
	// To leave by RST: thousands of connections of the last minute would use up the ports otherwise.
	err = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	if c.mute {
		// The server's buffer follows the size of the segments.
		err = errors.Join(err, syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536),
			syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1))
	}
	if err == nil {
		err = l.register(syscall.EPOLL_CTL_ADD, fd, c.index, syscall.EPOLLOUT|syscall.EPOLLIN)
	}
	if err == nil {
		if err = syscall.Connect(fd, &l.server); errors.Is(err, syscall.EINPROGRESS) {
			err = nil
		}
	}
	if err != nil {
		l.leave(c)
	}
	return err
}

func (l *loop) register(operation, fd, index int, events uint32) error {
	return syscall.EpollCtl(l.epoll, operation, fd, &syscall.EpollEvent{Events: events, Fd: int32(index)})
}

// serve does what a client's socket is ready for.
func (l *loop) serve(c *client, ready uint32) {
	if len(c.unsent) > 0 {
		if ready&syscall.EPOLLOUT == 0 && ready&(syscall.EPOLLERR|syscall.EPOLLHUP) == 0 {
			return
		}
		n, err := syscall.Write(c.fd, c.unsent)
		if errors.Is(err, syscall.EAGAIN) {
			return
		}
		if err != nil {
			l.lose(c, fmt.Errorf("send the request: %w", err))
			return
		}
		if c.unsent = c.unsent[n:]; len(c.unsent) > 0 {
			return
		}
		if err := l.register(syscall.EPOLL_CTL_MOD, c.fd, c.index, syscall.EPOLLIN); err != nil {
			l.lose(c, err)
		}
		return
	}
	l.read(c)
}

// muteBite is what a mute client reads at a time until its answer's head is there.
const muteBite = 256

func (l *loop) read(c *client) {
	buffer := l.buffer
	if c.mute {
		buffer = buffer[:muteBite]
	}
	for {
		n, err := syscall.Read(c.fd, buffer)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return
		case err != nil:
			l.lose(c, fmt.Errorf("read: %w", err))
			return
		case n == 0:
			l.lose(c, errors.New("the server closed the connection"))
			return
		}
		if l.cfg.Sent != nil {
			l.now = l.cfg.Sent.Now()
		}
		l.at = c
		if err := c.answer.parse(buffer[:n], l); err != nil {
			l.lose(c, err)
			return
		}
		if c.answer.ended {
			l.lose(c, errors.New("the server ended the stream"))
			return
		}
		if c.mute && c.answer.inBody {
			if err := l.register(syscall.EPOLL_CTL_DEL, c.fd, c.index, 0); err != nil {
				l.lose(c, err)
			}
			return
		}
		if n < len(buffer) {
			return
		}
	}
}

// opened, event and comment are what the parser of l.at finds.

func (l *loop) opened() {
	l.at.waits = false
	l.waiting--
	l.tally.Open++
	l.tally.Opened = time.Now()
}

func (l *loop) event(number int64) {
	c := l.at
	l.tally.Delivered++
	if number <= c.last {
		l.tally.Doubled++
		return
	}
	l.tally.Lost += number - c.last - 1
	c.last = number
	if clock := l.cfg.Sent; clock != nil {
		if sent := clock.sent(c.topic, number); sent != 0 {
			l.delays.Add(l.now - sent)
		}
		l.tally.Last = clock.Time(l.now)
	}
}

func (l *loop) comment() { l.tally.Comments++ }

// lose counts a connection that ended from the other side.
func (l *loop) lose(c *client, why error) {
	if c.waits {
		l.fail(why)
	} else {
		l.tally.Open--
		l.tally.Cut++
	}
	l.leave(c)
}

func (l *loop) fail(why error) {
	l.tally.Failed++
	if l.tally.Trouble == nil {
		l.tally.Trouble = why
	}
}

// leave closes a connection. What it lacks at the end is missing.
func (l *loop) leave(c *client) {
	if c.waits {
		l.waiting--
		c.waits = false
	}
	_ = syscall.Close(c.fd) // nothing is lost
	c.fd = 0
}

func (l *loop) drop() {
	for i := range l.clients {
		c := &l.clients[i]
		if c.fd == 0 {
			continue
		}
		if !c.waits {
			l.tally.Open--
		}
		l.leave(c)
	}
}

func (l *loop) missing(last func(topic int) int64) (missing, excess int64) {
	for i := range l.clients {
		if c := &l.clients[i]; !c.mute {
			missing += max(last(c.topic)-c.last, 0)
			excess += max(c.last-last(c.topic), 0)
		}
	}
	return missing, excess
}
