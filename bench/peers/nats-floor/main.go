// The floor of the fan-out benchmark: what a bare NATS request costs that reaches N hosts, each on a TLS connection of its own,
// each verifying an Ed25519 signature and replying 620 bytes. No journal, no accounting, no summary: nothing can be had for less.
//
// One binary, three processes, so that each one's CPU can be told apart:
//
//	nats-floor serve                                  the server
//	nats-floor hosts URL CA_FILE FIRST COUNT          that many hosts
//	nats-floor ask URL CA_FILE                        asks once for every line on standard input: the number of replies to wait for
//
// Each prints JSON, one object a line, and ends when its standard input does.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

const (
	commandSubject = "command"
	commandBytes   = 360
	replyBytes     = 620
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nats-floor:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve()
	case len(args) == 5 && args[0] == "hosts":
		first, err := strconv.Atoi(args[3])
		if err != nil {
			return fmt.Errorf("FIRST %q is not a number", args[3])
		}
		count, err := strconv.Atoi(args[4])
		if err != nil {
			return fmt.Errorf("COUNT %q is not a number", args[4])
		}
		return answer(args[1], args[2], first, count)
	case len(args) == 3 && args[0] == "ask":
		return ask(args[1], args[2])
	}
	return fmt.Errorf("arguments %q are not: serve | hosts URL CA_FILE FIRST COUNT | ask URL CA_FILE", args)
}

func print(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}

// Whoever started this process holds the other end; it closes with that process, however that ends.
func waitForEndOfInput() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
