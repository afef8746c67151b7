// The main program around the leaking commands of Go's own tree
// (runtime/testdata/testgoroutineleakprofile), which testdata/leaks.sh copies beside this file. It
// serves pprof, calls one command again and again, and does what services do beside:
// requests, a pool of workers that breathes, connections that stay for minutes, timers.
//
//	-addr 127.0.0.1:0   where to listen; the address is printed
//	-command NAME       what to call
//	-rate 60            how many goroutines it is to leak a minute, about; there is a call each 0.1 to 60 s
//	-load 1             how much goes on beside; 0 for nothing
//	-seed 1             of all chance
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"sync"
	"time"
)

// What the commands ask for.
const yieldCount = 10

var commands = map[string]func(){}

func register(name string, command func()) { commands[name] = command }

// leave stands where a command wrote the leak profile: that is left to those who watch.
func leave(...any) {}

func main() {
	address := flag.String("addr", "127.0.0.1:0", "")
	name := flag.String("command", "", "")
	rate := flag.Float64("rate", 60, "")
	load := flag.Float64("load", 1, "")
	seed := flag.Int64("seed", 1, "")
	flag.Parse()
	command := commands[*name]
	if command == nil {
		fmt.Fprintln(os.Stderr, "no command", *name)
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	service := newService(listener.Addr().String(), *load, *seed)
	http.HandleFunc("/quote", service.quote)
	http.HandleFunc("/join", service.join)
	go func() {
		every := try(command, *rate)
		if *load > 0 {
			service.start()
		}
		call(command, every, rand.New(rand.NewSource(*seed+1)))
	}()
	if err := http.Serve(listener, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// try calls the command once, and says how long to wait between calls for so many leaks a minute.
func try(command func(), rate float64) time.Duration {
	before := runtime.NumGoroutine()
	go command()
	time.Sleep(5 * time.Second)
	leaked := max(1, runtime.NumGoroutine()-before)
	seconds := min(60, max(0.1, 60*float64(leaked)/rate))
	return time.Duration(seconds * float64(time.Second))
}

// call calls the command, each time in a goroutine of its own: some do not come back.
func call(command func(), every time.Duration, chance *rand.Rand) {
	for {
		time.Sleep(every/2 + time.Duration(chance.Int63n(int64(every))))
		go command()
	}
}

// A service does its work and leaks nothing.
type service struct {
	address string
	load    float64
	client  *http.Client
	jobs    chan time.Duration
	ledger  sync.Mutex

	mutex  sync.Mutex
	chance *rand.Rand
}

func newService(address string, load float64, seed int64) *service {
	return &service{
		address: address,
		load:    load,
		client:  &http.Client{Timeout: 20 * time.Second},
		jobs:    make(chan time.Duration, 16),
		chance:  rand.New(rand.NewSource(seed)),
	}
}

func (s *service) start() {
	go s.crowd(8, s.ask)
	go s.crowd(24, s.stay)
	go s.crowd(6, s.await)
	go s.breathe()
	go s.feed()
	go s.tick()
}

// between draws a time between the two, in seconds.
func (s *service) between(least, most float64) time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return time.Duration((least + (most-least)*s.chance.Float64()) * float64(time.Second))
}

// upTo draws a number from none to most, times the load.
func (s *service) upTo(most int) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.chance.Intn(int(float64(most)*s.load) + 1)
}

// crowd keeps so many at it; how many changes every half minute to two minutes, up and down.
func (s *service) crowd(most int, one func()) {
	present := make(chan struct{}, 1024)
	for {
		wanted := s.upTo(most)
		until := time.Now().Add(s.between(30, 120))
		for time.Now().Before(until) {
			if len(present) < wanted {
				present <- struct{}{}
				go func() {
					defer func() { <-present }()
					one()
				}()
			}
			time.Sleep(s.between(0.1, 1))
		}
	}
}

// quote answers a request late, some after a job.
func (s *service) quote(w http.ResponseWriter, r *http.Request) {
	if s.upTo(9) == 0 {
		s.jobs <- s.between(0.05, 0.3)
	}
	time.Sleep(s.between(0.01, 0.6))
	s.ledger.Lock()
	defer s.ledger.Unlock()
	time.Sleep(time.Millisecond)
	fmt.Fprintln(w, "42")
}

// ask sends some requests to this service itself, as another one would.
func (s *service) ask() {
	for range s.upTo(12) + 1 {
		answer, err := s.client.Get("http://" + s.address + "/quote")
		if err != nil {
			return
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		time.Sleep(s.between(0.2, 3))
	}
}

// join takes a connection over, as a websocket does: one goroutine reads, one writes.
func (s *service) join(w http.ResponseWriter, r *http.Request) {
	connection, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	gone := make(chan struct{})
	go s.push(connection, gone)
	defer close(gone)
	defer connection.Close()
	for {
		if _, err := buffered.ReadString('\n'); err != nil {
			return
		}
	}
}

func (s *service) push(connection net.Conn, gone chan struct{}) {
	beat := time.NewTicker(s.between(2, 6))
	defer beat.Stop()
	for {
		select {
		case <-gone:
			return
		case <-beat.C:
			if _, err := io.WriteString(connection, "news\n"); err != nil {
				return
			}
		}
	}
}

// stay is the other end of a connection: there for 3 s to 4 min.
func (s *service) stay() {
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		return
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET /join HTTP/1.1\r\nHost: %s\r\n\r\n", s.address)
	connection.SetReadDeadline(time.Now().Add(s.between(3, 240)))
	news := bufio.NewReader(connection)
	for {
		if _, err := news.ReadString('\n'); err != nil {
			return
		}
	}
}

// await waits for what does not come before its time is over.
func (s *service) await() {
	ctx, cancel := context.WithTimeout(context.Background(), s.between(1, 40))
	defer cancel()
	<-ctx.Done()
}

// breathe keeps a pool of workers, more of them or fewer as time goes on.
func (s *service) breathe() {
	var retire []chan struct{}
	for {
		wanted := s.upTo(20) + 2
		for len(retire) < wanted {
			stop := make(chan struct{})
			retire = append(retire, stop)
			go s.work(stop)
		}
		for len(retire) > wanted {
			close(retire[0])
			retire = retire[1:]
		}
		time.Sleep(s.between(20, 90))
	}
}

func (s *service) work(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case job := <-s.jobs:
			time.Sleep(job)
		}
	}
}

// feed gives the pool its work.
func (s *service) feed() {
	for {
		s.jobs <- s.between(0.01, 0.4)
		time.Sleep(s.between(0.2, 2))
	}
}

// tick does something small later and later again.
func (s *service) tick() {
	for range time.Tick(5 * time.Second) {
		time.AfterFunc(s.between(0.5, 4), func() {
			s.ledger.Lock()
			defer s.ledger.Unlock()
			time.Sleep(2 * time.Millisecond)
		})
	}
}
