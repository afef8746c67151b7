package main

// Closures outside of functions. needsLater stands first and is initialised last
// of the three, so that the order in the source and the order in time differ.

var needsLater = func(func()) func() { return func() { run(func() { parkNeedsLater() }) } }(alone)

var alone = func() { parkAlone() }

var (
	inGroup   = func() { run(func() { parkInGroup() }) }
	inTable   = map[string]func(){"a": func() {}, "b": func() { parkInTable() }}
	inStruct  = struct{ f func() }{func() { parkInStruct() }}
	viaLater  = later(func() { parkViaLater() })
	_         = func() int { return 1 }()
	afterAll  = func() { parkAfterAll() }
	calledNow = func() func() { return func() { parkCalledNow() } }()
)

func init() {
	kinds["parkNeedsLater"] = needsLater
	kinds["parkAlone"] = alone
	kinds["parkInGroup"] = inGroup
	kinds["parkInTable"] = inTable["b"]
	kinds["parkInStruct"] = inStruct.f
	kinds["parkViaLater"] = viaLater
	kinds["parkAfterAll"] = afterAll
	kinds["parkCalledNow"] = calledNow
	kinds["parkFirstInit"] = func() { run(func() { parkFirstInit() }) }
}

func init() {
	kinds["parkSecondInit"] = func() { run(func() { parkSecondInit() }) }
	kinds["parkInitGo"] = func() {}
	go func(n int) { run(func() { parkInitGo(n) }) }(1)
}

func parkNeedsLater() { <-make(chan int) }
func parkAlone()      { <-make(chan int) }
func parkInGroup()    { <-make(chan int) }
func parkInTable()    { <-make(chan int) }
func parkInStruct()   { <-make(chan int) }
func parkViaLater()   { <-make(chan int) }
func parkAfterAll()   { <-make(chan int) }
func parkCalledNow()  { <-make(chan int) }
func parkFirstInit()  { <-make(chan int) }
func parkSecondInit() { <-make(chan int) }
func parkInitGo(int)  { <-make(chan int) }
