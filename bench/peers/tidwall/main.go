// Measures github.com/tidwall/wal as bench/run_one.ts measures the others: the same workloads, by
// the same arguments, WORKLOAD SYSTEM PARAMS FOLDER, and figures of the same names as JSON.
//
// "buffered" is NoSync, "durable" syncs each write or batch. NoCopy lets a reader have the bytes of
// the cache, as the package advises. Two segments of 20 MB are cached by default; in the system
// "tidwall/wal all cached", all are.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/tidwall/wal"
)

const (
	valueBytes     = 128
	distinctValues = 100_000
	warmUpRecords  = 20_000
	// Reads between two looks at the clock.
	readsPerStep = 500
	// More segments than any of the workloads makes.
	allSegments = 10_000
)

type params struct {
	Records int
	Batch   int
	Callers int
	Seconds float64
}

type figures map[string]float64

type job struct {
	params
	system string
	folder string
}

var workloads = map[string]func(job) figures{
	"W1":   func(j job) figures { return appendBatches(j, true) },
	"W2":   func(j job) figures { return appendBatches(j, false) },
	"W3":   call,
	"W4":   scan,
	"W5":   readEach,
	"W7":   size,
	"fill": fillAndDie,
	"open": openAgain,
}

func main() {
	workload, system, text, folder := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	j := job{system: system, folder: folder}
	check(json.Unmarshal([]byte(text), &j.params))
	run, ok := workloads[workload]
	if !ok {
		fmt.Println(`{"missing":"does not do this"}`)
		return
	}
	found, err := json.Marshal(map[string]figures{"figures": run(j)})
	check(err)
	fmt.Println(string(found))
}

func (j job) open(noSync bool) *wal.Log {
	options := *wal.DefaultOptions
	options.NoSync = noSync
	options.NoCopy = true
	if j.system == "tidwall/wal all cached" {
		options.SegmentCacheSize = allSegments
	}
	log, err := wal.Open(filepath.Join(j.folder, "log"), &options)
	check(err)
	return log
}

func appendBatches(j job, noSync bool) figures {
	log := j.open(noSync)
	w := newWriter(log, j.Batch)
	for w.next <= warmUpRecords {
		w.append()
	}
	rate := rateDuring(j.Seconds, func(int) int { w.append(); return j.Batch })
	check(log.Close())
	return figures{"recordsPerSecond": rate}
}

func call(j job) figures {
	log := j.open(false)
	values := makeValues()
	var mutex sync.Mutex
	next := uint64(1)
	callFor := func(seconds float64) figures {
		start := time.Now()
		end := start.Add(seconds64(seconds))
		times := make([][]float64, j.Callers)
		var callers sync.WaitGroup
		for caller := range j.Callers {
			callers.Add(1)
			go func() {
				defer callers.Done()
				for i := caller; ; i += j.Callers {
					called := time.Now()
					if !called.Before(end) {
						return
					}
					mutex.Lock()
					check(log.Write(next, values[i%len(values)]))
					next++
					mutex.Unlock()
					times[caller] = append(times[caller], time.Since(called).Seconds()*1000)
				}
			}()
		}
		callers.Wait()
		passed := time.Since(start).Seconds()
		all := slices.Concat(times...)
		slices.Sort(all)
		return figures{
			"recordsPerSecond": float64(len(all)) / passed,
			"p50Ms":            all[len(all)/2],
			"p99Ms":            all[len(all)*99/100],
		}
	}
	callFor(0.2)
	found := callFor(j.Seconds)
	check(log.Close())
	return found
}

func scan(j job) figures {
	log := j.open(true)
	fill(log, j.Records, 1000)
	pass := func(int) int {
		for index := uint64(1); index <= uint64(j.Records); index++ {
			see(log.Read(index))
		}
		return j.Records
	}
	pass(0)
	rate := rateDuring(j.Seconds, pass)
	found := figures{"recordsPerSecond": rate, "residentMiB": residentMiB()}
	check(log.Close())
	return found
}

func readEach(j job) figures {
	log := j.open(true)
	fill(log, j.Records, j.Batch)
	next := randomNumbers()
	readSome := func(int) int {
		for range readsPerStep {
			see(log.Read(uint64(next())%uint64(j.Records) + 1))
		}
		return readsPerStep
	}
	rateDuring(j.Seconds/4, readSome)
	rate := rateDuring(j.Seconds, readSome)
	found := figures{"readsPerSecond": rate, "residentMiB": residentMiB()}
	check(log.Close())
	return found
}

func size(j job) figures {
	log := j.open(true)
	w := newWriter(log, 1000)
	start := time.Now()
	for w.next <= uint64(j.Records) {
		w.append()
	}
	written := time.Since(start).Seconds()
	read := func() {
		for index := uint64(1); index <= uint64(j.Records); index++ {
			see(log.Read(index))
		}
	}
	read()
	start = time.Now()
	read()
	passed := time.Since(start).Seconds()
	check(log.Close())
	perRecord := float64(bytesIn(j.folder)) / float64(j.Records)
	megabytes := float64(j.Records) * valueBytes / 1e6
	return figures{
		"bytesPerRecord":   perRecord,
		"smaller":          100 * (1 - perRecord/valueBytes),
		"writtenPerSecond": megabytes / written,
		"readPerSecond":    megabytes / passed,
	}
}

func fillAndDie(j job) figures {
	fill(j.open(true), j.Records, 1000)
	check(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	select {}
}

func openAgain(j job) figures {
	start := time.Now()
	log := j.open(true)
	opened := time.Since(start).Seconds() * 1000
	last, err := log.LastIndex()
	check(err)
	if last != uint64(j.Records) {
		check(fmt.Errorf("%d of %d records are there after it was opened", last, j.Records))
	}
	found := figures{"openMs": opened, "residentMiB": residentMiB()}
	check(log.Close())
	return found
}

// writer appends batches of values, one after another.
type writer struct {
	log    *wal.Log
	values [][]byte
	size   int
	next   uint64
	batch  wal.Batch
}

func newWriter(log *wal.Log, size int) *writer {
	return &writer{log: log, values: makeValues(), size: size, next: 1}
}

func (w *writer) append() {
	if w.size == 1 {
		check(w.log.Write(w.next, w.values[w.next%distinctValues]))
		w.next++
		return
	}
	for range w.size {
		w.batch.Write(w.next, w.values[w.next%distinctValues])
		w.next++
	}
	check(w.log.WriteBatch(&w.batch)) // which empties it
}

func fill(log *wal.Log, records int, size int) {
	w := newWriter(log, size)
	for w.next <= uint64(records) {
		w.append()
	}
}

func rateDuring(seconds float64, step func(int) int) float64 {
	done := 0
	start := time.Now()
	limit := seconds64(seconds)
	passed := time.Duration(0)
	for i := 0; passed < limit; i++ {
		done += step(i)
		passed = time.Since(start)
	}
	return float64(done) / passed.Seconds()
}

func seconds64(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}

var sum int

// see keeps what was read from being optimised away.
func see(value []byte, err error) {
	check(err)
	sum += int(value[0]) + int(value[len(value)-1]) + len(value)
}

func makeValues() [][]byte {
	next := randomNumbers()
	values := make([][]byte, distinctValues)
	for i := range values {
		values[i] = make([]byte, valueBytes)
		for at := 0; at < valueBytes; at++ {
			values[i][at] = byte(next()&63) + '0'
		}
	}
	return values
}

// randomNumbers is xorshift32 (Marsaglia, 2003).
func randomNumbers() func() uint32 {
	state := uint32(0x5e610609)
	return func() uint32 {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		return state
	}
}

func residentMiB() float64 {
	statm, err := os.ReadFile("/proc/self/statm")
	check(err)
	var pages, resident float64
	_, err = fmt.Sscan(string(statm), &pages, &resident)
	check(err)
	return resident * float64(os.Getpagesize()) / (1 << 20)
}

func bytesIn(folder string) int64 {
	total := int64(0)
	check(filepath.Walk(folder, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			total += info.Size()
		}
		return err
	}))
	return total
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
