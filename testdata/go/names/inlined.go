package main

import "example.com/fleet/names/far"

// Closures of functions that are put in place of their calls.

func init() {
	kinds["parkInlined"] = inlined
	kinds["parkNotInlined"] = notInlined
	kinds["parkInlinedTwice"] = inlinedTwice
	kinds["parkInlinedDeep"] = inlinedDeep
	kinds["parkInlinedBehind"] = inlinedBehind
	kinds["parkInlinedSecond"] = inlinedSecond
	kinds["parkInlinedMethod"] = inlinedMethod
	kinds["parkInlinedFar"] = inlinedFar
	kinds["parkInlinedFarSecond"] = inlinedFarSecond
	kinds["parkInlinedFarMethod"] = inlinedFarMethod
	kinds["parkInlinedFarGeneric"] = inlinedFarGeneric
	kinds["parkInlinedStart"] = inlinedStart
	kinds["parkInlinedStartWith"] = inlinedStartWith
	kinds["parkInlinedInClosure"] = inlinedInClosure
	kinds["parkInlinedCallback"] = inlinedCallback
	kinds["parkInlinedNested"] = inlinedNested
	kinds["parkInlinedLoop"] = inlinedLoop
	kinds["parkInlinedDefer"] = inlinedDefer
}

func later(park func()) func()  { return func() { park() } }
func deeper(park func()) func() { return later(park) }
func apply(f func())            { f() }

func second(park func()) func() {
	first := func() { park() }
	second := func() { first() }
	return second
}

func nests(park func()) func() {
	return func() { run(func() { run(park) }) }
}

// looping has a loop, start a go statement, deferring a deferred call: which of
// them are put in place is each version's choice.
func looping(parks []func()) (last func()) {
	for _, park := range parks {
		last = func() { park() }
	}
	return last
}

func start(park func())          { go func() { park() }() }
func startWith(park func(int))   { go park(1) }
func deferring(park func())      { defer func() { park() }() }
func (c *counter) later() func() { return func() { c.n++; parkInlinedMethod() } }

func inlined()       { run(later(parkInlined)) }
func notInlined()    { f := later; hide(&f); run(f(parkNotInlined)) }
func inlinedTwice()  { run(later(func() {})); run(later(parkInlinedTwice)) }
func inlinedDeep()   { run(deeper(parkInlinedDeep)) }
func inlinedBehind() { run(later(parkInlinedBehind)); run(func() {}) }
func inlinedSecond() { run(second(parkInlinedSecond)) }
func inlinedMethod() { run((&counter{}).later()) }

func inlinedFar()        { run(far.Later(parkInlinedFar)) }
func inlinedFarSecond()  { run(func() {}); run(far.Second(parkInlinedFarSecond)) }
func inlinedFarMethod()  { run((&far.Box{Park: parkInlinedFarMethod}).Later()) }
func inlinedFarGeneric() { run(far.Generic(parkInlinedFarGeneric)) }

func inlinedStart()     { far.Start(parkInlinedStart) }
func inlinedStartWith() { far.StartWith(parkInlinedStartWith) }
func inlinedInClosure() { run(func() { run(later(parkInlinedInClosure)) }) }
func inlinedCallback()  { apply(func() { run(func() { parkInlinedCallback() }) }) }
func inlinedNested()    { run(nests(parkInlinedNested)) }
func inlinedLoop()      { run(looping([]func(){parkInlinedLoop})) }
func inlinedDefer()     { deferring(parkInlinedDefer) }

// hide keeps the compiler from knowing what a variable holds.
//
//go:noinline
func hide(*func(func()) func()) {}

func parkInlined()              { <-make(chan int) }
func parkNotInlined()           { <-make(chan int) }
func parkInlinedTwice()         { <-make(chan int) }
func parkInlinedDeep()          { <-make(chan int) }
func parkInlinedBehind()        { <-make(chan int) }
func parkInlinedSecond()        { <-make(chan int) }
func parkInlinedMethod()        { <-make(chan int) }
func parkInlinedFar()           { <-make(chan int) }
func parkInlinedFarSecond()     { <-make(chan int) }
func parkInlinedFarMethod()     { <-make(chan int) }
func parkInlinedFarGeneric(int) { <-make(chan int) }
func parkInlinedStart()         { <-make(chan int) }
func parkInlinedStartWith(int)  { <-make(chan int) }
func parkInlinedInClosure()     { <-make(chan int) }
func parkInlinedCallback()      { <-make(chan int) }
func parkInlinedNested()        { <-make(chan int) }
func parkInlinedLoop()          { <-make(chan int) }
func parkInlinedDefer()         { <-make(chan int) }
