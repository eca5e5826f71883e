// Package bare finds out what a script writes, and makes one that writes just that and asks nothing: what a change costs
// without its guards.
package bare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"
)

// Command is a command's name, in lower case, and its arguments.
type Command []string

// Change is what one run of a script wrote, published messages among it, in order.
type Change []Command

// Record tells what each script wrote that ran on a server while do ran, as MONITOR tells it. Nothing else may use the server
// meanwhile. Scripts that wrote nothing are left out.
func Record(ctx context.Context, rdb *redis.Client, do func() error) (changes []Change, err error) {
	writes, err := writing(ctx, rdb)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", rdb.Options().Addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close() // nothing is left to be read
	}()
	lines := bufio.NewReader(conn)
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		return nil, err
	}
	if said, err := lines.ReadString('\n'); err != nil || said != "+OK\r\n" {
		return nil, errors.Join(fmt.Errorf("MONITOR answered %q", said), err)
	}
	end := uuid.NewString()
	done := make(chan error, 1)
	go func() { // the server cuts a monitor that does not read
		err := do()
		if marked := rdb.Echo(ctx, end).Err(); marked != nil {
			err = errors.Join(err, marked, conn.Close())
		}
		done <- err
	}()
	var current Change
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(<-done, err)
		}
		command, inScript, err := parse(line)
		if err != nil {
			_ = conn.Close()
			return nil, errors.Join(<-done, err)
		}
		if !inScript && current != nil {
			changes = append(changes, current)
			current = nil
		}
		if inScript && (command[0] == "publish" || writes[command[0]]) {
			current = append(current, command)
		}
		if len(command) > 1 && command[1] == end {
			return changes, <-done
		}
	}
}

// writing tells which commands change keys, by the server's own table. (The client's reader of that knows Redis 6.)
func writing(ctx context.Context, rdb *redis.Client) (map[string]bool, error) {
	table, err := rdb.Do(ctx, "COMMAND").Slice()
	if err != nil {
		return nil, err
	}
	writes := map[string]bool{}
	for _, row := range table {
		row, ok := row.([]any)
		if !ok || len(row) < 3 {
			return nil, errors.New("COMMAND answered in an unknown form")
		}
		name, ok := row[0].(string)
		flags, ok2 := row[2].([]any)
		if !ok || !ok2 {
			return nil, errors.New("COMMAND answered in an unknown form")
		}
		writes[name] = slices.Contains(flags, any("write"))
	}
	return writes, nil
}

// parse reads a line of MONITOR, `+<time> [<db> <client>] "<command>" "<argument>" …`, the client of a script's command being `lua`.
func parse(line string) (c Command, inScript bool, err error) {
	_, rest, ok := strings.Cut(line, " [")
	from, rest, ok2 := strings.Cut(rest, "] ")
	if !ok || !ok2 {
		return nil, false, fmt.Errorf("no line of MONITOR: %q", line)
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimLeft(rest, " ") {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, false, fmt.Errorf("line of MONITOR %q: %w", line, err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, false, fmt.Errorf("line of MONITOR %q: %w", line, err)
		}
		c, rest = append(c, word), rest[len(quoted):]
	}
	if len(c) == 0 {
		return nil, false, fmt.Errorf("line of MONITOR without a command: %q", line)
	}
	c[0] = strings.ToLower(c[0])
	return c, strings.HasSuffix(from, " lua"), nil
}
