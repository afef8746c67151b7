// Package far is another package whose small functions are put in place where
// package main calls them.
package far

// Later gives back a closure: in whose name is it, when Later is inlined?
func Later(park func()) func() { return func() { park() } }

// Second gives back the second of its closures.
func Second(park func()) func() {
	first := func() { park() }
	second := func() { first() }
	return second
}

type Box struct{ Park func() }

func (b *Box) Later() func() { return func() { b.Park() } }
func (b Box) Run()           { b.Park() }

// Start starts a goroutine, and may be too much for some inliners.
func Start(park func()) { go func() { park() }() }

// StartWith starts a goroutine through a wrapper.
func StartWith(park func(int)) { go park(1) }

// Generic gives back a closure of a function with type parameters.
func Generic[T any](park func(T)) func() { return func() { var zero T; park(zero) } }
