//go:build go1.23

package main

import (
	"iter"
	"sync/atomic"
)

var pulled atomic.Int64

func init() {
	kinds["coroutine"] = coroutine
	started["pulled"] = &pulled
}

// coroutine pulls once from a sequence and then waits itself. Its sequence is a
// goroutine of its own, in the state "coroutine".
func coroutine() {
	next, _ := iter.Pull(func(yield func(int) bool) {
		for yield(1) {
		}
	})
	pulled.Add(1)
	next()
	<-make(chan int)
}
