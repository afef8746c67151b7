package main

import (
	"sync"
	"time"
)

func init() {
	kinds["parkPlain"] = plain
	kinds["parkThird"] = third
	kinds["parkNested"] = nested
	kinds["parkNestedSecond"] = nestedSecond
	kinds["parkNestedInPlace"] = nestedInPlace
	kinds["parkEscapesInPlace"] = escapesInPlace
	kinds["parkMixed"] = mixed
	kinds["parkMethodClosure"] = (&counter{}).closure
	kinds["parkValueMethodClosure"] = counter{}.valueClosure
	kinds["parkLoop"] = loop
	kinds["parkOnceFunc"] = onceFunc
	kinds["parkOnceValue"] = onceValue
	kinds["parkOnceDo"] = onceDo
	kinds["parkAfterFunc"] = afterFunc
	kinds["parkAfterMethod"] = afterMethod
	kinds["parkDeadBranch"] = deadBranch
}

func plain() { run(func() { parkPlain() }) }

func third() {
	run(func() {})
	run(func() { run(func() {}) })
	run(func() { parkThird() })
}

func nested() {
	run(func() { run(func() { run(func() { parkNested() }) }) })
}

func nestedSecond() {
	run(func() {
		run(func() {})
		run(func() {
			run(func() {})
			run(func() { parkNestedSecond() })
		})
	})
}

// nestedInPlace has closures that are called where they stand: the compiler puts
// them in place, and what is left is one function.
func nestedInPlace() {
	func() { func() { func() { parkNestedInPlace() }() }() }()
}

// escapesInPlace has a closure within one that is put in place, and so is there
// twice, once for each.
func escapesInPlace() {
	func() { run(func() { parkEscapesInPlace() }) }()
}

// mixed has one of each: a closure put in place holds two, then comes another.
func mixed() {
	func() {
		run(func() {})
		func() { run(func() { run(func() { parkMixed() }) }) }()
	}()
	run(func() {})
}

type counter struct{ n int }

func (c *counter) closure()     { run(func() { c.n++; parkMethodClosure() }) }
func (c counter) valueClosure() { run(func() { c.n++; parkValueMethodClosure() }) }

func loop() {
	for i := range []int{0, 1} {
		if i := i; i == 1 {
			go func() { run(func() { parkLoop(i) }) }()
		}
	}
}

func onceFunc()  { sync.OnceFunc(func() { parkOnceFunc() })() }
func onceValue() { sync.OnceValue(func() int { parkOnceValue(); return 1 })() }
func onceDo()    { new(sync.Once).Do(func() { parkOnceDo() }) }

func afterFunc()   { time.AfterFunc(0, func() { parkAfterFunc() }) }
func afterMethod() { time.AfterFunc(0, (&counter{}).fire) }

func (c *counter) fire() { parkAfterMethod() }

const debugging = false

// deadBranch has a closure that no build holds, before the one that parks.
func deadBranch() {
	if debugging {
		run(func() { println("never") })
	}
	run(func() { parkDeadBranch() })
}

func parkPlain()              { <-make(chan int) }
func parkThird()              { <-make(chan int) }
func parkNested()             { <-make(chan int) }
func parkNestedSecond()       { <-make(chan int) }
func parkNestedInPlace()      { <-make(chan int) }
func parkEscapesInPlace()     { <-make(chan int) }
func parkMixed()              { <-make(chan int) }
func parkMethodClosure()      { <-make(chan int) }
func parkValueMethodClosure() { <-make(chan int) }
func parkLoop(int)            { <-make(chan int) }
func parkOnceFunc()           { <-make(chan int) }
func parkOnceValue()          { <-make(chan int) }
func parkOnceDo()             { <-make(chan int) }
func parkAfterFunc()          { <-make(chan int) }
func parkAfterMethod()        { <-make(chan int) }
func parkDeadBranch()         { <-make(chan int) }
