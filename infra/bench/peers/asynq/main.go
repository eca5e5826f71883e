// Asynq takes tasks through github.com/hibiken/asynq: enqueued, processed by a handler that does nothing, and kept as completed. It
// prints the seconds that this took.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

func main() {
	address := flag.String("redis", "", "host:port")
	tasks := flag.Int64("tasks", 10000, "how many")
	callers := flag.Int("callers", 16, "how many enqueue at a time, and how many process")
	flag.Parse()
	redis := asynq.RedisClientOpt{Addr: *address, PoolSize: 2 * *callers}

	var processed atomic.Int64
	all := make(chan struct{})
	server := asynq.NewServer(redis, asynq.Config{Concurrency: *callers, LogLevel: asynq.FatalLevel})
	handler := asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if processed.Add(1) == *tasks {
			close(all)
		}
		return nil
	})
	client := asynq.NewClient(redis)
	began := time.Now()
	var enqueuing sync.WaitGroup
	for first := range *callers {
		enqueuing.Go(func() {
			for i := int64(first); i < *tasks; i += int64(*callers) {
				payload := fmt.Appendf(nil, `{"imageId":"0198b2a0-7d3c-7c3e-9f1b-%012d"}`, i)
				if _, err := client.Enqueue(asynq.NewTask("reconstruct", payload), asynq.Retention(24*time.Hour)); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	enqueuing.Wait()
	if err := server.Start(handler); err != nil { // not before: its processors sleep for a second where the queue is empty
		log.Fatal(err)
	}
	<-all
	took := time.Since(began)
	server.Shutdown() // waits until the last are recorded as completed
	fmt.Println(took.Seconds())
}
