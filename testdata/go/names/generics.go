package main

func init() {
	kinds["parkGeneric"] = func() { generic(1) }
	kinds["parkGenericValue"] = genericValue[string]
	kinds["parkGenericClosure"] = genericClosure[int]
	kinds["parkGenericNested"] = genericNested[map[string][]int]
	kinds["parkGenericMethod"] = (&list[int]{}).park
	kinds["parkGenericMethodClosure"] = (&list[string]{}).closure
	kinds["parkGenericMethodExpr"] = genericMethodExpr
	kinds["parkGenericGo"] = genericGo[int]
	kinds["parkGenericInlined"] = genericInlined
	kinds["parkGenericOfGeneric"] = genericOfGeneric[int]
	kinds["parkGenericParamMethod"] = func() { genericParamMethod(param{}) }
	kinds["parkGenericParamValue"] = func() { genericParamValue(param{}) }
	kinds["parkGenericValueIn"] = genericValueIn[int]
	kinds["parkGenericLocalType"] = genericLocalType[int]
	kinds["parkGenericPromoted"] = (&ofList{}).promotedPark
}

//go:noinline
func generic[T any](T) { parkGeneric() }

func genericValue[T any]()   { parkGenericValue() }
func genericClosure[T any]() { run(func() { var zero T; _ = zero; parkGenericClosure() }) }

func genericNested[T any]() {
	run(func() {})
	run(func() { run(func() { var zero T; keep(zero); parkGenericNested() }) })
}

//go:noinline
func keep(any) {}

type list[T any] struct{ items []T }

func (l *list[T]) park()         { parkGenericMethod() }
func (l *list[T]) closure()      { run(func() { l.items = nil; parkGenericMethodClosure() }) }
func (l *list[T]) expr()         { run(func() { l.items = nil; parkGenericMethodExpr() }) }
func (l *list[T]) promotedPark() { run(func() { l.items = nil; parkGenericPromoted() }) }

type ofList struct{ list[int] }

func genericMethodExpr() { f := (*list[int]).expr; hideAny(&f); f(&list[int]{}) }

func genericGo[T any]() {
	var zero T
	run(func() {})
	go genericGone(zero)
}

func genericGone[T any](T) { run(func() { parkGenericGo() }) }

func genericLater[T any](park func(T)) func() { return func() { var zero T; park(zero) } }

func genericInlined() { run(genericLater(parkGenericInlined)) }

func genericOfGeneric[T any]() { run(genericLater(func(T) { parkGenericOfGeneric() })) }

type param struct{}

func (param) wait()      { parkGenericParamMethod() }
func (param) waitValue() { parkGenericParamValue() }

func genericParamMethod[T interface{ wait() }](t T) { run(func() { t.wait() }) }

// genericParamValue has a method value of a type parameter, for which the compiler
// makes a closure that nobody wrote, before the one that parks.
func genericParamValue[T interface{ waitValue() }](t T) {
	f := t.waitValue
	hideAny(&f)
	run(func() { run(f) })
}

// genericValueIn uses a generic function as a value where its type is not known:
// another closure that nobody wrote.
func genericValueIn[T any]() {
	f := genericMiddle[T]
	hideAny(&f)
	run(func() { f() })
}

func genericMiddle[T any]() { run(func() { parkGenericValueIn() }) }

func genericLocalType[T any]() {
	type local struct{ list[T] }
	run(func() { (&list[local]{}).each(func() { parkGenericLocalType() }) })
}

func (l *list[T]) each(f func()) { run(func() { l.items = nil; f() }) }

func parkGeneric()              { <-make(chan int) }
func parkGenericValue()         { <-make(chan int) }
func parkGenericClosure()       { <-make(chan int) }
func parkGenericNested()        { <-make(chan int) }
func parkGenericMethod()        { <-make(chan int) }
func parkGenericMethodClosure() { <-make(chan int) }
func parkGenericMethodExpr()    { <-make(chan int) }
func parkGenericGo()            { <-make(chan int) }
func parkGenericInlined(int)    { <-make(chan int) }
func parkGenericOfGeneric()     { <-make(chan int) }
func parkGenericParamMethod()   { <-make(chan int) }
func parkGenericParamValue()    { <-make(chan int) }
func parkGenericValueIn()       { <-make(chan int) }
func parkGenericLocalType()     { <-make(chan int) }
func parkGenericPromoted()      { <-make(chan int) }
