package main

// Statements that need a wrapper, because a goroutine and a deferred call take no
// arguments, and closures before and after them.

func init() {
	kinds["parkGoArgs"] = goArgs
	kinds["parkGoArgsClosure"] = goArgsClosure
	kinds["parkAfterGo"] = afterGo
	kinds["parkAfterDefer"] = afterDefer
	kinds["parkGoMethod"] = goMethod
	kinds["parkGoMethodValue"] = goMethodValue
	kinds["parkGoInterface"] = goInterface
	kinds["parkGoResult"] = goResult
	kinds["parkGoNestedClosure"] = goNestedClosure
	kinds["parkDeferArgs"] = deferArgs
	kinds["parkDeferClosure"] = deferClosure
	kinds["parkDeferClosureArgs"] = deferClosureArgs
	kinds["parkDeferLoop"] = deferLoop
	kinds["parkDeferPanic"] = deferPanic
	kinds["parkDeferPanicMixed"] = deferPanicMixed
	kinds["parkDeferNil"] = deferNil
	kinds["parkDeferPanicInClosure"] = deferPanicInClosure
	kinds["parkWhilePanicking"] = whilePanicking
}

//go:noinline
func ignore(int) {}

func goArgs() { go parkGoArgs(1) }

func goArgsClosure() { go func(n int) { run(func() { parkGoArgsClosure(n) }) }(1) }

func afterGo() {
	go ignore(1)
	go func(n int) { ignore(n) }(2)
	run(func() { go ignore(3); run(func() { parkAfterGo() }) })
}

func afterDefer() {
	defer ignore(1)
	defer func(n int) { ignore(n) }(2)
	run(func() { defer ignore(3); run(func() { parkAfterDefer() }) })
}

func goMethod()      { go (&counter{}).start(1) }
func goMethodValue() { start := (&counter{}).startValue; go start(1) }

func (c *counter) start(int)      { run(func() { c.n++; parkGoMethod() }) }
func (c *counter) startValue(int) { run(func() { c.n++; parkGoMethodValue() }) }

type starter interface{ begin(int) }

type startable struct{ n int }

func (s startable) begin(int) { run(func() { s.n++; parkGoInterface() }) }

func goInterface() { var s starter = &startable{}; go s.begin(1) }

func goResult() { go result(1) }

func result(n int) int { parkGoResult(); return n }

func goNestedClosure() {
	go func() {
		go ignore(1)
		go func(n int) { run(func() { parkGoNestedClosure(n) }) }(2)
	}()
}

func deferArgs()        { defer parkDeferArgs(1) }
func deferClosure()     { defer func() { parkDeferClosure() }() }
func deferClosureArgs() { defer func(n int) { run(func() { parkDeferClosureArgs(n) }) }(1) }

func deferLoop() {
	for i := 0; i < 2; i++ {
		defer func(n int) {
			if n == 1 {
				parkDeferLoop()
			}
		}(i)
	}
}

// deferPanic shows the wrapper of its deferred call: Go hides a wrapper unless it
// is the one that panics.
func deferPanic() {
	defer parkDeferPanic()
	defer panic("deferred")
}

// deferPanicMixed has closures and wrappers before and behind that one, and one
// that comes with a function put in place.
func deferPanicMixed() {
	defer parkDeferPanicMixed()
	defer ignore(1)
	defer func() {}()
	defer panic("deferred")
	defer func(n int) { ignore(n) }(2)
	run(later(func() {}))
	run(func() {})
}

// deferNil shows the wrapper of a call of nil.
func deferNil() {
	defer parkDeferNil()
	defer none(1)
}

var none func(int)

func deferPanicInClosure() {
	run(func() {
		defer parkDeferPanicInClosure()
		run(func() {})
		defer panic("deferred")
	})
}

func whilePanicking() {
	defer func() { parkWhilePanicking() }()
	panic("on the way")
}

func parkGoArgs(int)           { <-make(chan int) }
func parkGoArgsClosure(int)    { <-make(chan int) }
func parkAfterGo()             { <-make(chan int) }
func parkAfterDefer()          { <-make(chan int) }
func parkGoMethod()            { <-make(chan int) }
func parkGoMethodValue()       { <-make(chan int) }
func parkGoInterface()         { <-make(chan int) }
func parkGoResult()            { <-make(chan int) }
func parkGoNestedClosure(int)  { <-make(chan int) }
func parkDeferArgs(int)        { <-make(chan int) }
func parkDeferClosure()        { <-make(chan int) }
func parkDeferClosureArgs(int) { <-make(chan int) }
func parkDeferLoop()           { <-make(chan int) }
func parkDeferPanic()          { <-make(chan int) }
func parkDeferPanicMixed()     { <-make(chan int) }
func parkDeferNil()            { <-make(chan int) }
func parkDeferPanicInClosure() { <-make(chan int) }
func parkWhilePanicking()      { <-make(chan int) }
