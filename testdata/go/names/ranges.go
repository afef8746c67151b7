//go:build go1.23

package main

import "iter"

// The bodies of range-over-func loops, which the compiler makes closures of.

func init() {
	kinds["parkRange"] = rangeBody
	kinds["parkRangeSecond"] = rangeSecond
	kinds["parkRangeNested"] = rangeNested
	kinds["parkRangeNestedSecond"] = rangeNestedSecond
	kinds["parkRangeClosure"] = rangeClosure
	kinds["parkRangeClosureAround"] = rangeClosureAround
	kinds["parkRangeInClosure"] = rangeInClosure
	kinds["parkRangeNestedClosure"] = rangeNestedClosure
	kinds["parkRangeInRangeClosure"] = rangeInRangeClosure
	kinds["parkRangeGo"] = rangeGo
	kinds["parkRangeDefer"] = rangeDefer
	kinds["parkRangeDeferPanic"] = rangeDeferPanic
	kinds["parkRangeInPlace"] = rangeInPlace
	kinds["parkRangeInlined"] = rangeInlined
	kinds["parkRangeInlinedClosure"] = rangeInlinedClosure
	kinds["parkRangeMethod"] = (&counter{}).rangeMethod
	kinds["parkRangeGeneric"] = rangeGeneric[int]
	kinds["parkRangePull"] = rangePull
	kinds["parkRangeSeq"] = rangeSeq
}

// once is a sequence of one that cannot be put in place.
//
//go:noinline
func once(yield func(int) bool) { yield(1) }

// small is one that can.
func small(yield func(int) bool) { yield(1) }

func rangeBody() {
	for range once {
		parkRange()
	}
}

func rangeSecond() {
	for range once {
		ignore(1)
	}
	for range once {
		parkRangeSecond()
	}
}

func rangeNested() {
	for range once {
		for range once {
			parkRangeNested()
		}
	}
}

func rangeNestedSecond() {
	for range once {
		for range once {
			ignore(1)
		}
		for range once {
			for range once {
				parkRangeNestedSecond()
			}
		}
	}
}

func rangeClosure() {
	for range once {
		run(func() { parkRangeClosure() })
	}
}

func rangeClosureAround() {
	run(func() {})
	for range once {
		run(func() {})
		run(func() { run(func() { parkRangeClosureAround() }) })
	}
	run(func() {})
}

func rangeInClosure() {
	run(func() {
		for range once {
			parkRangeInClosure()
		}
	})
}

func rangeNestedClosure() {
	run(func() {
		for range once {
			for range once {
				run(func() { parkRangeNestedClosure() })
			}
		}
	})
}

func rangeInRangeClosure() {
	for range once {
		run(func() {
			for range once {
				run(func() { parkRangeInRangeClosure() })
			}
		})
	}
}

func rangeGo() {
	for i := range once {
		go ignore(i)
		go func(n int) { run(func() { parkRangeGo(n) }) }(i)
	}
}

func rangeDefer() {
	for i := range once {
		defer func(n int) { run(func() { parkRangeDefer(n) }) }(i)
	}
}

func rangeDeferPanic() {
	defer parkRangeDeferPanic()
	for i := range once {
		run(func() {})
		defer panic(i)
	}
}

func rangeInPlace() {
	for range small {
		run(func() { parkRangeInPlace() })
	}
}

func ranger(park func()) {
	for range once {
		park()
	}
}

func rangerClosure(park func()) func() {
	return func() {
		for range once {
			park()
		}
	}
}

func rangeInlined()        { ranger(parkRangeInlined) }
func rangeInlinedClosure() { run(rangerClosure(parkRangeInlinedClosure)) }

func (c *counter) rangeMethod() {
	for i := range once {
		c.n += i
		parkRangeMethod()
	}
}

func rangeGeneric[T any]() {
	for range onceOf[T]() {
		run(func() { parkRangeGeneric() })
	}
}

func onceOf[T any]() iter.Seq[T] {
	return func(yield func(T) bool) { var zero T; yield(zero) }
}

// rangePull parks in a coroutine. The one that pulls waits for it.
func rangePull() {
	next, _ := iter.Pull(func(yield func(int) bool) { parkRangePull() })
	next()
}

func rangeSeq() {
	for range onceOf[int]() {
		parkRangeSeq()
	}
}

func parkRange()               { <-make(chan int) }
func parkRangeSecond()         { <-make(chan int) }
func parkRangeNested()         { <-make(chan int) }
func parkRangeNestedSecond()   { <-make(chan int) }
func parkRangeClosure()        { <-make(chan int) }
func parkRangeClosureAround()  { <-make(chan int) }
func parkRangeInClosure()      { <-make(chan int) }
func parkRangeNestedClosure()  { <-make(chan int) }
func parkRangeInRangeClosure() { <-make(chan int) }
func parkRangeGo(int)          { <-make(chan int) }
func parkRangeDefer(int)       { <-make(chan int) }
func parkRangeDeferPanic()     { <-make(chan int) }
func parkRangeInPlace()        { <-make(chan int) }
func parkRangeInlined()        { <-make(chan int) }
func parkRangeInlinedClosure() { <-make(chan int) }
func parkRangeMethod()         { <-make(chan int) }
func parkRangeGeneric()        { <-make(chan int) }
func parkRangePull()           { <-make(chan int) }
func parkRangeSeq()            { <-make(chan int) }
