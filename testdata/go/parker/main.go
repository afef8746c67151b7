// Parker parks a goroutine by itself, as gVisor's network stack does: the runtime knows no channel or lock
// that it waits at, so a leak profile takes it for leaked, and the process crashes when it wakes.
//
//	/leaked   {"woken": how often it has woken}
package main

import (
	"sync/atomic"
	"time"
	"unsafe"

	"example.com/fleet/internal/serve"
)

// What the runtime of Go 1.27 calls a select: gVisor gives this reason too.
const waitReasonSelect = 18

//go:linkname gopark runtime.gopark
func gopark(unlock func(gp, lock unsafe.Pointer) bool, lock unsafe.Pointer, reason, trace uint8, skip int)

//go:linkname goready runtime.goready
func goready(gp unsafe.Pointer, skip int)

var parked unsafe.Pointer

func commit(gp, lock unsafe.Pointer) bool {
	atomic.StorePointer((*unsafe.Pointer)(lock), gp)
	return true
}

func park(woken *atomic.Int64) {
	for {
		gopark(commit, unsafe.Pointer(&parked), waitReasonSelect, 0, 0)
		woken.Add(1)
	}
}

func wake() {
	for range time.Tick(20 * time.Millisecond) {
		if gp := atomic.SwapPointer(&parked, nil); gp != nil {
			goready(gp, 0)
		}
	}
}

func main() {
	var woken atomic.Int64
	go park(&woken)
	go wake()
	serve.Main(serve.Leaks{"woken": &woken})
}
