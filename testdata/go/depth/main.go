// Depth parks goroutines in every way that matters to a reader of profiles: at
// stack depths around the limits of each form, and once for each kind of wait.
// Nothing moves any more when it says that it listens.
//
// /leaked tells how many goroutines were started, by the name of their kind.
// Most kinds are also the name of the goroutine's entry function: "depth61"
// starts in main.depth61 and shows exactly 61 frames, the entry included and
// hidden runtime frames not.
package main

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"time"

	"example.com/fleet/internal/serve"
)

// Two of each, so that each is seen to be one group.
const each = 2

var (
	kinds = map[string]func(){
		"depth20": depth20, "depth33": depth33, "depth61": depth61, "twin61": twin61, "depth101": depth101, "depth200": depth200,
		"panicking200": panicking200,

		"chanSend": chanSend, "chanRecv": chanRecv, "nilChanSend": nilChanSend, "nilChanRecv": nilChanRecv,
		"twoCases": twoCases, "noCases": noCases,
		"mutex": mutex, "readLock": readLock, "writeLock": writeLock, "waitGroup": waitGroup, "cond": cond,
		"sleep": sleep, "socket": socket, "lockedToThread": lockedToThread, "labelled": labelled,

		"inlined":     inlined,
		"generic":     func() { generic("") },
		"closure":     func() { <-make(chan int) },
		"methodValue": (&box{make(chan int)}).wait,
	}
	started = serve.Leaks{}
)

func main() {
	for kind, park := range kinds {
		started[kind] = new(atomic.Int64)
		for i := 0; i < each; i++ {
			started[kind].Add(1)
			go park()
		}
	}
	for moving() > 1 {
		time.Sleep(time.Millisecond)
	}
	serve.Main(started)
}

// moving counts the goroutines that are not parked. The one that asks is one.
func moving() int {
	dump := make([]byte, 4<<20)
	dump = dump[:runtime.Stack(dump, true)]
	return bytes.Count(dump, []byte("[run"))
}
