// go-stomp against the broker: PORT. A line of JSON about each task is printed, but for those in LEAVE_OUT.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
)

const (
	text      = "größer als 日本語 🎉"
	nowhere   = "/nowhere/a"
	complaint = "unknown destination"
	beat      = time.Second
	missed    = 3
	silence   = 4 * time.Second
	patience  = time.Minute
)

var address string

func connect(options ...func(*stomp.Conn) error) *stomp.Conn {
	options = append([]func(*stomp.Conn) error{
		stomp.ConnOpt.Login("guest", "guest"),
		stomp.ConnOpt.Host("/"),
		stomp.ConnOpt.HeartBeat(0, 0),
	}, options...)
	conn, err := stomp.Dial("tcp", address, options...)
	must(err)
	return conn
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(held bool, otherwise string, values ...any) {
	if !held {
		panic(fmt.Errorf(otherwise, values...))
	}
}

func subscribe(conn *stomp.Conn, destination string, mode stomp.AckMode) *stomp.Subscription {
	subscription, err := conn.Subscribe(destination, mode)
	must(err)
	return subscription
}

func send(conn *stomp.Conn, destination string, body string) {
	must(conn.Send(destination, "text/plain", []byte(body)))
}

func next(subscription *stomp.Subscription) *stomp.Message {
	select {
	case message := <-subscription.C:
		expect(message != nil, "the subscription ended")
		must(message.Err)
		return message
	case <-time.After(patience):
		panic(errors.New("no message came in time"))
	}
}

// leftOver returns what a queue still has.
func leftOver(destination string) []*stomp.Message {
	conn := connect()
	defer conn.Disconnect()
	send(conn, destination, "the last one")
	subscription := subscribe(conn, destination, stomp.AckClientIndividual)
	var found []*stomp.Message
	for {
		message := next(subscription)
		must(conn.Ack(message))
		if string(message.Body) == "the last one" {
			return found
		}
		found = append(found, message)
	}
}

func bodies(messages []*stomp.Message) string {
	var all []string
	for _, message := range messages {
		all = append(all, string(message.Body))
	}
	return strings.Join(all, " ")
}

func inVersion(version stomp.Version) func() {
	return func() {
		conn := connect(stomp.ConnOpt.AcceptVersion(version))
		where := "/queue/connect-" + version.String()
		expect(conn.Version() == version, "%s is spoken", conn.Version())
		subscription := subscribe(conn, where, stomp.AckClient)
		send(conn, where, "in one version")
		message := next(subscription)
		expect(string(message.Body) == "in one version", "%q came", message.Body)
		must(conn.Ack(message))
		must(conn.Disconnect())
		left := leftOver(where)
		expect(len(left) == 0, "what was acknowledged came again")
	}
}

func topic() {
	first, second, sender := connect(), connect(), connect()
	defer first.Disconnect()
	defer second.Disconnect()
	defer sender.Disconnect()
	one := subscribe(first, "/topic/tea.*", stomp.AckAuto)
	two := subscribe(second, "/topic/tea.green", stomp.AckAuto)
	// It waits for no receipt of a SUBSCRIBE; what is said behind it comes after it.
	for _, conn := range []*stomp.Conn{first, second} {
		must(conn.Send("/topic/nobody", "", nil, stomp.SendOpt.Receipt))
	}
	send(sender, "/topic/tea.green", "leaves")
	expect(string(next(one).Body) == "leaves" && string(next(two).Body) == "leaves", "something else came")
}

func queue() {
	conn := connect()
	defer conn.Disconnect()
	for number := 0; number < 3; number++ {
		send(conn, "/queue/a", fmt.Sprint(number))
	}
	subscription := subscribe(conn, "/queue/a", stomp.AckAuto)
	for number := 0; number < 3; number++ {
		expect(string(next(subscription).Body) == fmt.Sprint(number), "the order is another one")
	}
}

func sendText() {
	conn := connect()
	defer conn.Disconnect()
	subscription := subscribe(conn, "/queue/text", stomp.AckAuto)
	send(conn, "/queue/text", text)
	message := next(subscription)
	expect(string(message.Body) == text && message.ContentType == "text/plain", "%q came", message.Body)
}

func unicodeHeaders() {
	conn := connect()
	defer conn.Disconnect()
	wanted := map[string]string{"x-motto": text, "x-größe": "a:b\nd\\ e"}
	subscription := subscribe(conn, "/queue/headers", stomp.AckAuto)
	var options []func(*frame.Frame) error
	for name, value := range wanted {
		options = append(options, stomp.SendOpt.Header(name, value))
	}
	must(conn.Send("/queue/headers", "text/plain", []byte("x"), options...))
	message := next(subscription)
	for name, value := range wanted {
		expect(message.Header.Get(name) == value, "%s is %q", name, message.Header.Get(name))
	}
}

func binary() {
	conn := connect()
	defer conn.Disconnect()
	var body []byte
	for number := 0; number < 3*256; number++ {
		body = append(body, byte(number))
	}
	subscription := subscribe(conn, "/queue/binary", stomp.AckAuto)
	must(conn.Send("/queue/binary", "application/octet-stream", body))
	expect(bytes.Equal(next(subscription).Body, body), "other octets came")
}

func receipts() {
	conn := connect(stomp.ConnOpt.RcvReceiptTimeout(patience))
	defer conn.Disconnect()
	for number := 0; number < 5; number++ {
		// It fails when no receipt comes.
		must(conn.Send("/queue/receipts", "text/plain", []byte("x"), stomp.SendOpt.Receipt))
	}
}

func ackAuto() {
	conn := connect()
	subscription := subscribe(conn, "/queue/auto", stomp.AckAuto)
	send(conn, "/queue/auto", "x")
	next(subscription)
	must(conn.Disconnect())
	expect(len(leftOver("/queue/auto")) == 0, "it came again")
}

// three takes three messages and acknowledges the second; it returns what is left.
func three(where string, mode stomp.AckMode) []*stomp.Message {
	conn := connect()
	for _, body := range []string{"a", "b", "c"} {
		send(conn, where, body)
	}
	subscription := subscribe(conn, where, mode)
	messages := []*stomp.Message{next(subscription), next(subscription), next(subscription)}
	must(conn.Ack(messages[1]))
	must(conn.Disconnect())
	return leftOver(where)
}

func ackClient() {
	left := bodies(three("/queue/client", stomp.AckClient))
	expect(left == "c", "%q came again", left)
}

func ackClientIndividual() {
	left := three("/queue/individual", stomp.AckClientIndividual)
	expect(bodies(left) == "a c", "%q came again", bodies(left))
	for _, message := range left {
		expect(message.Header.Get("redelivered") == "true", "it is not said to be redelivered")
	}
}

func nack() {
	conn := connect()
	defer conn.Disconnect()
	subscription := subscribe(conn, "/queue/nack", stomp.AckClientIndividual)
	send(conn, "/queue/nack", "x")
	must(conn.Nack(next(subscription)))
	again := next(subscription)
	expect(again.Header.Get("redelivered") == "true", "it is not said to be redelivered")
	must(conn.Ack(again))
}

func commit() {
	conn := connect()
	subscription := subscribe(conn, "/queue/commit", stomp.AckClientIndividual)
	transaction := conn.Begin()
	must(transaction.Send("/queue/commit", "text/plain", []byte("inside")))
	send(conn, "/queue/commit", "outside")
	first := next(subscription)
	expect(string(first.Body) == "outside", "it came before COMMIT")
	must(transaction.Ack(first))
	must(transaction.CommitWithReceipt())
	second := next(subscription)
	expect(string(second.Body) == "inside", "%q came", second.Body)
	must(conn.Ack(second))
	must(conn.Disconnect())
	expect(len(leftOver("/queue/commit")) == 0, "an ACK in a transaction did not count")
}

func abort() {
	conn := connect()
	transaction := conn.Begin()
	must(transaction.Send("/queue/abort", "text/plain", []byte("inside")))
	must(transaction.AbortWithReceipt())
	must(conn.Disconnect())
	expect(len(leftOver("/queue/abort")) == 0, "it came though it was rolled back")
}

func heartBeats() {
	conn := connect(stomp.ConnOpt.HeartBeat(beat, beat), stomp.ConnOpt.HeartBeatError((missed-1)*beat))
	defer conn.Disconnect()
	subscription := subscribe(conn, "/queue/beats", stomp.AckAuto)
	time.Sleep(silence)
	send(conn, "/queue/beats", "alive")
	expect(string(next(subscription).Body) == "alive", "something else came")
}

func disconnect() {
	// It fails when no receipt comes.
	must(connect(stomp.ConnOpt.DisconnectReceiptTimeout(patience)).Disconnect())
}

func badDestination() {
	conn := connect()
	err := conn.Send(nowhere, "text/plain", []byte("x"), stomp.SendOpt.Receipt)
	var said *stomp.Error
	var plain stomp.Error
	if errors.As(err, &plain) {
		said = &plain
	}
	expect(said != nil || errors.As(err, &said), "%v came", err)
	expect(said.Message == complaint, "%q was said", said.Message)
}

func say(values map[string]string) {
	line, err := json.Marshal(values)
	must(err)
	fmt.Println(string(line))
}

func try(name string, play func()) {
	defer func() {
		if trouble := recover(); trouble != nil {
			say(map[string]string{"task": name, "outcome": "failed", "why": fmt.Sprint(trouble)})
		}
	}()
	play()
	say(map[string]string{"task": name, "outcome": "works", "why": ""})
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if strings.HasPrefix(module.Path, "github.com/go-stomp/stomp") {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}

func main() {
	address = "127.0.0.1:" + os.Args[1]
	tasks := []struct {
		name string
		play func()
	}{
		{"connect-1.0", inVersion(stomp.V10)},
		{"connect-1.1", inVersion(stomp.V11)},
		{"connect-1.2", inVersion(stomp.V12)},
		{"topic", topic},
		{"queue", queue},
		{"text", sendText},
		{"unicode-headers", unicodeHeaders},
		{"binary", binary},
		{"receipts", receipts},
		{"ack-auto", ackAuto},
		{"ack-client", ackClient},
		{"ack-client-individual", ackClientIndividual},
		{"nack", nack},
		{"commit", commit},
		{"abort", abort},
		{"heart-beats", heartBeats},
		{"disconnect", disconnect},
		{"error", badDestination},
	}
	say(map[string]string{"version": version()})
	leftOut := strings.Fields(os.Getenv("LEAVE_OUT"))
	for _, task := range tasks {
		if !slices.Contains(leftOut, task.name) {
			try(task.name, task.play)
		}
	}
}
