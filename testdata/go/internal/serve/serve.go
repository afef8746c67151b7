// Package serve is what the programs of this module have in common: one flag,
// one line of output, pprof, and a page that tells how much was leaked.
package serve

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
)

// Leaks counts the goroutines that a program has leaked so far, by kind. Tests
// compare it with what a profile shows.
type Leaks map[string]*atomic.Int64

// Main serves http.DefaultServeMux until SIGTERM or SIGINT.
func Main(leaks Leaks) {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	http.Handle("/leaked", leaks)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	go func() { log.Fatal(http.Serve(listener, nil)) }()
	<-ctx.Done()
}

// Times makes a handler that calls do as often as the query parameter n says,
// once if it is absent, and answers when that is done.
func Times(do func()) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := 1
		if text := r.FormValue("n"); text != "" {
			var err error
			if n, err = strconv.Atoi(text); err != nil || n < 0 || n > 1_000_000 {
				http.Error(w, "n must be a number from 0 to 1000000", http.StatusBadRequest)
				return
			}
		}
		for i := 0; i < n; i++ {
			do()
		}
		fmt.Fprintln(w, "ok")
	}
}

func (l Leaks) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	counts := make(map[string]int64, len(l))
	for kind, n := range l {
		counts[kind] = n.Load()
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(counts)
}
