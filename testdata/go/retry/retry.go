// Package retry repeats an operation until it succeeds or its caller gives up.
// It is the library of the fleet that search and billing share, and its leak is
// theirs.
package retry

import (
	"context"
	"errors"
)

// Do calls op up to attempts times, and returns when one of them succeeds or ctx
// is done.
//
// The bug: the channel has no buffer. When ctx is done first, Do returns, nobody
// receives any more, and the goroutine of that attempt waits for ever to send.
// With make(chan error, 1) it would end.
func Do(ctx context.Context, attempts int, op func() error) error {
	err := errors.New("retry: no attempts")
	for i := 0; i < attempts; i++ {
		result := make(chan error)
		go func() { result <- op() }()
		select {
		case err = <-result:
			if err == nil {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// Abandon makes Do leak exactly one goroutine: it calls something that answers
// only after Do has given up, and returns when the answer is on its way.
func Abandon() {
	ctx, giveUp := context.WithCancel(context.Background())
	gaveUp, answered := make(chan struct{}), make(chan struct{})
	giveUp()
	Do(ctx, 1, func() error {
		<-gaveUp
		close(answered)
		return nil
	})
	close(gaveUp)
	<-answered
}
