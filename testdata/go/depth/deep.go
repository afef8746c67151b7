package main

// An entry function, descend as often as it takes, and a leaf that parks. Each
// depth has its own leaf, so that a stack cut at the root can still be told from
// the others; only twin61 cannot be told from depth61.

func depth20()  { descend(20-2, park20) }
func depth33()  { descend(33-2, park33) }
func depth61()  { descend(61-2, park61) }
func twin61()   { descend(61-2, park61) }
func depth101() { descend(101-2, park101) }
func depth200() { descend(200-2, park200) }

// panicking200 shows 200 frames and has at least 20 more that Go hides, such as
// runtime.goPanicIndex, at least one a hop. They lie where debug=2 leaves frames
// out, so that one can see whether its "...N frames elided..." counts them.
func panicking200() {
	// Leaf to root: parkPanicking 1, descend 69, hop 21 with its deferred closure
	// and the panic that runs it 20 times between them, the closure below 1,
	// descend 67, panicking200 1.
	descend(67, func() { hop(20, nil) })
}

//go:noinline
func hop(more int, none []int) {
	if more == 0 {
		descend(69, parkPanicking)
		return
	}
	defer func() { hop(more-1, none) }()
	none[more] = 0
}

//go:noinline
func descend(frames int, then func()) {
	if frames > 1 {
		descend(frames-1, then)
		return
	}
	then()
}

func park20()        { <-make(chan int) }
func park33()        { <-make(chan int) }
func park61()        { <-make(chan int) }
func park101()       { <-make(chan int) }
func park200()       { <-make(chan int) }
func parkPanicking() { <-make(chan int) }
