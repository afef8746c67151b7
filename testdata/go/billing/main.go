// Billing has no leak of its own, but it uses the library that has one.
//
//	/invoice?n=1  uses the library as it should be used, and leaks nothing
//	/shared?n=1   leaks n goroutines in the retry package, the same as in search
//	/leaked       {"shared": how many so far}
package main

import (
	"context"
	"log"
	"net/http"
	"sync/atomic"

	"example.com/fleet/internal/serve"
	"example.com/fleet/retry"
)

type server struct {
	shared atomic.Int64
}

func main() {
	s := &server{}
	http.HandleFunc("/invoice", serve.Times(s.invoice))
	http.HandleFunc("/shared", serve.Times(s.giveUp))
	serve.Main(serve.Leaks{"shared": &s.shared})
}

// invoice waits for the answer, so the goroutine of the library ends.
func (s *server) invoice() {
	if err := retry.Do(context.Background(), 3, charge); err != nil {
		log.Print(err)
	}
}

// giveUp meets the bug of the retry package.
func (s *server) giveUp() {
	retry.Abandon()
	s.shared.Add(1)
}

func charge() error { return nil }
