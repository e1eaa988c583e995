// A native client of NATS JetStream for the benchmark: publish|consume URL LOAD. It prints figures
// as JSON: records a second, and for single publishes how long they took.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	subject      = "log.all"
	stream       = "log"
	valueBytes   = 128
	ackWait      = 30 * time.Second
	pendingBytes = 256 << 20
)

type load struct {
	Records  int
	Clients  int
	Pipeline int
}

type figures map[string]float64

func main() {
	action, url := os.Args[1], os.Args[2]
	var l load
	check(json.Unmarshal([]byte(os.Args[3]), &l))
	var found figures
	switch {
	case action == "consume":
		found = consume(url, l)
	case l.Pipeline == 1:
		found = publishSingly(url, l)
	default:
		found = publishPipelined(url, l)
	}
	text, err := json.Marshal(found)
	check(err)
	fmt.Println(string(text))
}

func open(url string, options ...nats.JSOpt) (*nats.Conn, nats.JetStreamContext) {
	connection, err := nats.Connect(url)
	check(err)
	js, err := connection.JetStream(options...)
	check(err)
	_, err = js.AddStream(&nats.StreamConfig{Name: stream, Subjects: []string{subject}})
	check(err)
	return connection, js
}

func publishPipelined(url string, l load) figures {
	failed := func(_ nats.JetStream, _ *nats.Msg, err error) { check(err) }
	connection, js := open(url, nats.PublishAsyncMaxPending(l.Pipeline), nats.PublishAsyncErrHandler(failed))
	defer connection.Close()
	value := make([]byte, valueBytes)
	start := time.Now()
	for range l.Records {
		_, err := js.PublishAsync(subject, value)
		check(err)
	}
	<-js.PublishAsyncComplete()
	return figures{"recordsPerSecond": float64(l.Records) / time.Since(start).Seconds()}
}

func publishSingly(url string, l load) figures {
	value := make([]byte, valueBytes)
	times := make([][]float64, l.Clients)
	streams := make([]nats.JetStreamContext, l.Clients)
	for i := range streams {
		connection, js := open(url)
		defer connection.Close()
		streams[i] = js
	}
	var clients sync.WaitGroup
	start := time.Now()
	for i, js := range streams {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for range l.Records / l.Clients {
				called := time.Now()
				_, err := js.Publish(subject, value, nats.AckWait(ackWait))
				check(err)
				times[i] = append(times[i], time.Since(called).Seconds()*1000)
			}
		}()
	}
	clients.Wait()
	passed := time.Since(start).Seconds()
	all := slices.Concat(times...)
	slices.Sort(all)
	return figures{
		"recordsPerSecond": float64(len(all)) / passed,
		"p50Ms":            all[len(all)/2],
		"p99Ms":            all[len(all)*99/100],
	}
}

func consume(url string, l load) figures {
	connection, js := open(url)
	defer connection.Close()
	start := time.Now()
	seen, sum := 0, 0
	done := make(chan struct{})
	subscription, err := js.Subscribe(subject, func(message *nats.Msg) {
		sum += len(message.Data)
		if seen++; seen == l.Records {
			close(done)
		}
	}, nats.OrderedConsumer())
	check(err)
	check(subscription.SetPendingLimits(-1, pendingBytes))
	<-done
	passed := time.Since(start)
	if sum != l.Records*valueBytes {
		check(fmt.Errorf("%d bytes came", sum))
	}
	return figures{"recordsPerSecond": float64(l.Records) / passed.Seconds()}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
