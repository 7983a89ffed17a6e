package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

const patience = 60 * time.Second

// ask asks once for each line of the standard input, which says how many replies to wait for.
func ask(url, authorityFile string) error {
	asker, err := connect(url, authorityFile, 0)
	if err != nil {
		return err
	}
	defer asker.Close()
	if err := print(map[string]any{"ready": true}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		count, err := strconv.Atoi(lines.Text())
		if err != nil {
			return fmt.Errorf("%q is not a number of replies", lines.Text())
		}
		start := time.Now()
		replies, err := askOnce(asker, count)
		if err != nil {
			return err
		}
		milliseconds := float64(time.Since(start).Microseconds()) / 1000
		if err := print(map[string]any{"milliseconds": milliseconds, "replies": replies}); err != nil {
			return err
		}
	}
	return nil
}

func askOnce(asker *nats.Conn, count int) (int, error) {
	inbox := nats.NewInbox()
	replies, err := asker.SubscribeSync(inbox)
	if err != nil {
		return 0, err
	}
	defer replies.Unsubscribe()
	if err := replies.SetPendingLimits(-1, -1); err != nil {
		return 0, err
	}
	command := make([]byte, commandBytes)
	if _, err := rand.Read(command[ed25519.SignatureSize:]); err != nil {
		return 0, err
	}
	copy(command, ed25519.Sign(signingKey(), command[ed25519.SignatureSize:]))
	if err := asker.PublishRequest(commandSubject, inbox, command); err != nil {
		return 0, err
	}
	deadline := time.Now().Add(patience)
	for got := 0; ; got++ {
		if got == count {
			return got, nil
		}
		reply, err := replies.NextMsg(time.Until(deadline))
		if err == nats.ErrTimeout {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if len(reply.Data) != replyBytes {
			return got, fmt.Errorf("a reply of %d bytes instead of %d", len(reply.Data), replyBytes)
		}
	}
}
