// Patterns leaks goroutines in every well-known way that the standard library
// offers, each in a function of its own.
//
//	/leak?n=1      each pattern n times
//	/leaked        {"leak": how often so far}
//
// What is on the other side of a connection is served by one goroutine for all of
// them, where the standard library does not make more, so that what grows is the
// pattern and nothing else.
package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"example.com/fleet/internal/serve"
)

var (
	leaks atomic.Int64
	held  []any // keeps ends of connections open
	mutex sync.Mutex
	// Locked once and never unlocked.
	taken   sync.Mutex
	written sync.RWMutex
	read    sync.RWMutex
	never   = sync.NewCond(&mutex)
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "child" {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	taken.Lock()
	written.Lock()
	read.RLock()
	sql.Register("none", noDriver{})
	patterns := []func(){
		unreadBody(), idleTransport(), noResponse(), idleClients(), silentClients(),
		unansweredRequests(), idleHTTP2(),
		abandonedResult, rangeOverChannel, receiveForEver, sendForEver,
		nilReceive, nilSend, nilRange, selectNothing,
		lockForEver, readLockForEver, writeLockForEver, condForEver, waitGroup,
		sleepLoop, tickerRange, tickerSelect, afterLoop, afterFunc,
		openDB, foreignContext, notifyContext, commandWithoutWait, commandOutput,
		pipeWriter, pipeReader,
	}
	http.HandleFunc("/leak", serve.Times(func() {
		for _, leak := range patterns {
			leak()
		}
		leaks.Add(1)
	}))
	serve.Main(serve.Leaks{"leak": &leaks})
}

func keep(what any) {
	mutex.Lock()
	held = append(held, what)
	mutex.Unlock()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// listen answers every connection with the same words, and holds it open.
func listen(words string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() {
		for {
			conn, err := listener.Accept()
			check(err)
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, words)
			keep(conn)
		}
	}()
	return "http://" + listener.Addr().String()
}

// The body of the answer is neither read nor closed.
func unreadBody() func() {
	url := listen("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
	return func() {
		_, err := http.Get(url)
		check(err)
	}
}

// Everything is closed, but each request has a transport of its own, which keeps its connection.
func idleTransport() func() {
	url := listen("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	return func() {
		client := &http.Client{Transport: &http.Transport{}}
		answer, err := client.Get(url)
		check(err)
		_, err = io.ReadAll(answer.Body)
		check(err)
		check(answer.Body.Close())
	}
}

// The server never answers, and nothing limits the time of the request.
func noResponse() func() {
	url := listen("")
	return func() {
		go func() { http.Get(url) }()
	}
}

// server serves HTTP without any time-out.
func server(handler http.HandlerFunc) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go (&http.Server{Handler: handler}).Serve(listener)
	return listener.Addr().String()
}

// Clients ask once and keep their connections.
func idleClients() func() {
	address := server(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	return func() {
		conn, err := net.Dial("tcp", address)
		check(err)
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		conn.Read(make([]byte, 4096))
		keep(conn)
	}
}

// Clients connect and say nothing.
func silentClients() func() {
	address := server(func(http.ResponseWriter, *http.Request) {})
	return func() {
		conn, err := net.Dial("tcp", address)
		check(err)
		keep(conn)
	}
}

// Handlers that do not come back while their clients wait.
func unansweredRequests() func() {
	address := server(neverAnswer)
	return func() {
		conn, err := net.Dial("tcp", address)
		check(err)
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		keep(conn)
	}
}

func neverAnswer(http.ResponseWriter, *http.Request) { <-make(chan int) }

// Each request has an HTTP/2 transport of its own, which keeps its connection.
func idleHTTP2() func() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	return func() {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			ForceAttemptHTTP2: true,
		}
		answer, err := (&http.Client{Transport: transport}).Get(server.URL)
		check(err)
		io.Copy(io.Discard, answer.Body)
		check(answer.Body.Close())
		keep(transport)
	}
}

// The result comes when nobody waits for it any more.
func abandonedResult() {
	result := make(chan int)
	go func() {
		time.Sleep(time.Millisecond)
		result <- 1
	}()
	select {
	case <-result:
	case <-time.After(time.Microsecond):
	}
}

// The worker's channel is never closed.
func rangeOverChannel() {
	jobs := make(chan int)
	go work(jobs)
	jobs <- 1
}

func work(jobs chan int) {
	for range jobs {
	}
}

func receiveForEver() {
	done := make(chan struct{})
	go func() { <-done }()
}

func sendForEver() { go produce(make(chan int)) }

func produce(to chan<- int) { to <- 1 }

func nilReceive() {
	go func() {
		var none chan int
		<-none
	}()
}

func nilSend() {
	go func() {
		var none chan int
		none <- 1
	}()
}

func nilRange() {
	go func() {
		var none chan int
		for range none {
		}
	}()
}

func selectNothing() { go func() { select {} }() }

func lockForEver() { go func() { taken.Lock() }() }

func readLockForEver() { go func() { written.RLock() }() }

func writeLockForEver() { go func() { read.Lock() }() }

func condForEver() {
	go func() {
		mutex.Lock()
		never.Wait()
	}()
}

func waitGroup() {
	var group sync.WaitGroup
	group.Add(1)
	go func() { group.Wait() }()
}

func sleepLoop() { go poll() }

func poll() {
	for {
		time.Sleep(10 * time.Second)
	}
}

func tickerRange() {
	go func() {
		for range time.NewTicker(10 * time.Second).C {
		}
	}()
}

func tickerSelect() {
	go func() {
		ticker, done := time.NewTicker(10*time.Second), make(chan int)
		for {
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
}

func afterLoop() {
	go func() {
		for {
			<-time.After(10 * time.Second)
		}
	}()
}

// The callback of a timer does not come back.
func afterFunc() { time.AfterFunc(time.Microsecond, stuckCallback) }

func stuckCallback() { <-make(chan int) }

func openDB() {
	db, err := sql.Open("none", "")
	check(err)
	keep(db)
}

type noDriver struct{}

func (noDriver) Open(string) (driver.Conn, error) { return nil, errors.New("no driver") }

// foreign is a context of another make: the standard library starts a goroutine to watch it.
type foreign struct {
	context.Context
	done chan struct{}
}

func (c foreign) Done() <-chan struct{} { return c.done }
func (c foreign) Value(any) any         { return nil }

func foreignContext() {
	ctx, cancel := context.WithCancel(foreign{context.Background(), make(chan struct{})})
	keep([]any{ctx, cancel})
}

func notifyContext() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	keep([]any{ctx, stop})
}

// child is a command that ends with this process.
func child() *exec.Cmd {
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, os.Args[0], "child")
	stdin, err := command.StdinPipe()
	check(err)
	keep([]any{cancel, stdin})
	return command
}

// Nobody waits for the process.
func commandWithoutWait() { check(child().Start()) }

// Somebody does, and it does not end.
func commandOutput() {
	command := child()
	go func() {
		out, err := command.Output()
		fmt.Println(string(out), err)
	}()
}

// The reader of the pipe has gone, and did not close it.
func pipeWriter() {
	reader, writer := io.Pipe()
	keep(reader)
	go func() { fmt.Fprintln(writer, "hello") }()
}

// The writer of the pipe has gone, and did not close it.
func pipeReader() {
	reader, writer := io.Pipe()
	keep(writer)
	go func() { io.ReadAll(reader) }()
}
