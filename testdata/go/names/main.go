// Names parks one goroutine for each way in which a Go compiler has to make up a
// function's name: closures, wrappers, instances of generic functions. Dumps of it
// by many versions of Go tell how the names of the same source differ.
//
// Each goroutine's leaf is a marker function of its own, parkSomething, so that
// stacks can be matched whatever their other frames are called. /leaked tells the
// markers. Nothing moves any more when it says that it listens.
package main

import (
	"bytes"
	"log"
	"runtime"
	"sync/atomic"
	"time"

	"example.com/fleet/internal/serve"
)

// By the marker in which it ends, what starts a goroutine or is one. It has no
// closure of its own: those of package variables are counted through.
var kinds = map[string]func(){}

func main() {
	started := serve.Leaks{}
	for marker, start := range kinds {
		started[marker] = new(atomic.Int64)
		started[marker].Add(1)
		go start()
	}
	for i := 0; ; i++ {
		missing := missing()
		if missing == "" {
			break
		}
		if i > 5000 {
			log.Fatal("not parked: ", missing)
		}
		time.Sleep(time.Millisecond)
	}
	serve.Main(started)
}

// missing names a marker that is not parked yet, or tells that something moves.
func missing() string {
	dump := make([]byte, 4<<20)
	dump = dump[:runtime.Stack(dump, true)]
	for marker := range kinds {
		if !bytes.Contains(dump, []byte("main."+marker+"(")) {
			return marker
		}
	}
	if bytes.Count(dump, []byte("[run")) > 1 {
		return "something moves"
	}
	return ""
}

// run calls a function that the compiler cannot see through.
//
//go:noinline
func run(f func()) { f() }
