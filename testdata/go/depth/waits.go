package main

import (
	"context"
	"log"
	"net"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// One function for each kind of wait, by the state that debug=2 shows.

func chanSend()    { make(chan int) <- 1 }
func chanRecv()    { <-make(chan int) }
func nilChanSend() { var none chan int; none <- 1 }
func nilChanRecv() { var none chan int; <-none }
func noCases()     { select {} }

func twoCases() {
	select {
	case <-make(chan int):
	case make(chan int) <- 1:
	}
}

func mutex()     { var mu sync.Mutex; mu.Lock(); mu.Lock() }
func readLock()  { var mu sync.RWMutex; mu.Lock(); mu.RLock() }
func writeLock() { var mu sync.RWMutex; mu.RLock(); mu.Lock() }
func waitGroup() { var wg sync.WaitGroup; wg.Add(1); wg.Wait() }
func cond()      { c := sync.NewCond(new(sync.Mutex)); c.L.Lock(); c.Wait() }
func sleep()     { time.Sleep(10_000 * time.Hour) }

func lockedToThread() {
	runtime.LockOSThread()
	<-make(chan int)
}

// socket reads from a connection to itself on which nobody writes.
func socket() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	conn.Read(make([]byte, 1))
	runtime.KeepAlive(listener)
}

var tenants atomic.Int64

// labelled waits under the pprof label tenant, which is t1 for the first and t2
// for the second.
func labelled() {
	tenant := "t" + strconv.FormatInt(tenants.Add(1), 10)
	pprof.Do(context.Background(), pprof.Labels("tenant", tenant), func(context.Context) { <-make(chan int) })
}

// The forms that a function's name can take.

// inlined has no call of its own for receive: the compiler puts it in place, and
// profiles give both frames for one address.
func inlined() { receive(make(chan int)) }

func receive(c chan int) { <-c }

//go:noinline
func generic[T any](T) { <-make(chan T) }

type box struct{ full chan int }

func (b *box) wait() { <-b.full }
