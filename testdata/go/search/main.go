// Search has a leak of its own, a leak that it shares with billing, and a lot of
// goroutines that come and go and are no leak at all.
//
//	/index?n=1    opens n shards and closes none: each leaks one goroutine in a select
//	/shared?n=1   leaks n goroutines in the retry package
//	/query?n=1    n bursts of short jobs: busy, but everything ends before the answer
//	/leaked       {"index": how many so far, "shared": how many so far}
package main

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/fleet/internal/serve"
	"example.com/fleet/retry"
)

const (
	workers = 4  // of the pool: there as long as the process
	burst   = 32 // jobs of one query
	tide    = 8  // refreshes at once when the tide is high
)

type server struct {
	jobs          chan func()
	index, shared atomic.Int64
}

func main() {
	s := &server{jobs: make(chan func())}
	for i := 0; i < workers; i++ {
		go s.worker()
	}
	go s.refreshAll()
	http.HandleFunc("/index", serve.Times(s.openIndex))
	http.HandleFunc("/shared", serve.Times(s.giveUp))
	http.HandleFunc("/query", serve.Times(s.query))
	serve.Main(serve.Leaks{"index": &s.index, "shared": &s.shared})
}

// shard is a part of the index that follows its updates until it is closed.
type shard struct {
	updates chan string
	closed  chan struct{}
}

func openShard() *shard {
	sh := &shard{updates: make(chan string), closed: make(chan struct{})}
	watching := make(chan struct{})
	go sh.watch(watching)
	<-watching
	return sh
}

func (sh *shard) watch(watching chan<- struct{}) {
	close(watching)
	for {
		select {
		case <-sh.updates:
		case <-sh.closed:
			return
		}
	}
}

// openIndex opens a shard to see that it can be opened.
//
// The bug: it does not close it, so watch waits for ever in its select.
func (s *server) openIndex() {
	openShard()
	s.index.Add(1)
}

// giveUp meets the bug of the retry package.
func (s *server) giveUp() {
	retry.Abandon()
	s.shared.Add(1)
}

// query runs bursts of jobs, each both on the pool and on a goroutine of its own,
// and waits for all of them.
func (s *server) query() {
	var wg sync.WaitGroup
	wg.Add(2 * burst)
	for i := 0; i < burst; i++ {
		go lookUp(&wg)
		s.jobs <- func() { lookUp(&wg) }
	}
	wg.Wait()
}

func lookUp(wg *sync.WaitGroup) {
	defer wg.Done()
	time.Sleep(time.Millisecond)
}

func (s *server) worker() {
	for job := range s.jobs {
		job()
	}
}

// refreshAll breathes: a few times a second the number of refresh goroutines
// goes up to tide and back to 0.
func (s *server) refreshAll() {
	for range time.Tick(200 * time.Millisecond) {
		for i := 1; i <= tide; i++ {
			go refresh(time.Duration(i) * 20 * time.Millisecond)
		}
	}
}

func refresh(d time.Duration) { time.Sleep(d) }
