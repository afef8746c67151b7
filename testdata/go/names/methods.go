package main

import "example.com/fleet/names/far"

// Methods that are not called as what they are: as values, as expressions, through
// interfaces and from embedded fields. Each may need a wrapper.

func init() {
	kinds["parkMethodValue"] = (&waiter{}).value
	kinds["parkValueOfValue"] = waiter{}.valueOfValue
	kinds["parkMethodExpr"] = methodExpr
	kinds["parkMethodExprPointer"] = methodExprPointer
	kinds["parkInterface"] = throughInterface
	kinds["parkInterfaceValue"] = interfaceValue
	kinds["parkInterfaceExpr"] = interfaceExpr
	kinds["parkPromoted"] = promoted
	kinds["parkPromotedPointer"] = promotedPointer
	kinds["parkPromotedValue"] = outer{}.promotedValue
	kinds["parkPromotedInterface"] = promotedInterface
	kinds["parkFarMethodValue"] = far.Box{Park: parkFarMethodValue}.Run
	kinds["parkAnonymous"] = anonymous
	kinds["parkLocalType"] = localType
}

type waiter struct{ n int }

type waits interface {
	throughInterface()
	promoted()
}

func (w *waiter) value()            { parkMethodValue() }
func (w waiter) valueOfValue()      { parkValueOfValue() }
func (w waiter) expr()              { parkMethodExpr() }
func (w waiter) exprPointer()       { run(func() { w.n++; parkMethodExprPointer() }) }
func (w waiter) throughInterface()  { run(func() { w.n++; parkInterface() }) }
func (w waiter) interfaceValue()    { parkInterfaceValue() }
func (w waiter) interfaceExpr()     { parkInterfaceExpr() }
func (w waiter) promoted()          { run(func() { w.n++; parkPromoted() }) }
func (w *waiter) promotedPointer()  { parkPromotedPointer() }
func (w waiter) promotedValue()     { parkPromotedValue() }
func (w waiter) promotedInterface() { parkPromotedInterface() }

type outer struct{ waiter }
type outerPointer struct{ *waiter }
type promoter interface{ promotedInterface() }
type outerInterface struct{ promoter }

func methodExpr()        { f := waiter.expr; hideMethod(&f); f(waiter{}) }
func methodExprPointer() { f := (*waiter).exprPointer; hidePointer(&f); f(&waiter{}) }
func throughInterface()  { var w waits = &waiter{}; hideInterface(&w); w.throughInterface() }
func promoted()          { var w waits = &outer{}; hideInterface(&w); w.promoted() }

func interfaceValue() {
	var w interface{ interfaceValue() } = &waiter{}
	run(w.interfaceValue)
}

type exprer interface{ interfaceExpr() }

func interfaceExpr() {
	f := exprer.interfaceExpr
	hideAny(&f)
	f(&waiter{})
}

func promotedPointer()   { run(outerPointer{&waiter{}}.promotedPointer) }
func promotedInterface() { run(outerInterface{waiter{}}.promotedInterface) }

func anonymous() { run(struct{ waiterOfAnonymous }{}.park) }

type waiterOfAnonymous struct{}

func (waiterOfAnonymous) park() { parkAnonymous() }

func localType() {
	type local struct{ waiterOfLocal }
	run(local{}.park)
}

type waiterOfLocal struct{}

func (waiterOfLocal) park() { parkLocalType() }

//go:noinline
func hideMethod(*func(waiter)) {}

//go:noinline
func hidePointer(*func(*waiter)) {}

//go:noinline
func hideInterface(*waits) {}

//go:noinline
func hideAny(any) {}

func parkMethodValue()       { <-make(chan int) }
func parkValueOfValue()      { <-make(chan int) }
func parkMethodExpr()        { <-make(chan int) }
func parkMethodExprPointer() { <-make(chan int) }
func parkInterface()         { <-make(chan int) }
func parkInterfaceValue()    { <-make(chan int) }
func parkInterfaceExpr()     { <-make(chan int) }
func parkPromoted()          { <-make(chan int) }
func parkPromotedPointer()   { <-make(chan int) }
func parkPromotedValue()     { <-make(chan int) }
func parkPromotedInterface() { <-make(chan int) }
func parkFarMethodValue()    { <-make(chan int) }
func parkAnonymous()         { <-make(chan int) }
func parkLocalType()         { <-make(chan int) }
