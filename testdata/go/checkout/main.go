// Checkout is the leaky server.
//
//	/work?n=1   leaks n goroutines, each blocked on a send that nobody receives
//	/healthy    does the same work and leaks nothing
//	/leaked     {"work": how many so far}
package main

import (
	"net/http"
	"sync/atomic"

	"example.com/fleet/internal/serve"
)

type server struct {
	leaked atomic.Int64
}

func main() {
	s := &server{}
	http.HandleFunc("/work", serve.Times(s.work))
	http.HandleFunc("/healthy", serve.Times(s.healthy))
	serve.Main(serve.Leaks{"work": &s.leaked})
}

// work asks for a price and does not wait for it.
//
// The bug: the goroutine can only send to somebody who receives, and nobody
// ever does.
func (s *server) work() {
	started := make(chan struct{})
	quote := make(chan int)
	go func() {
		close(started)
		quote <- price()
	}()
	<-started
	s.leaked.Add(1)
}

// healthy asks for a price and waits for it.
func (s *server) healthy() {
	quote := make(chan int)
	go func() { quote <- price() }()
	<-quote
}

func price() int { return 42 }
