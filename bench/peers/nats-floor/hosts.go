package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	dialsAtOnce    = 64
	hostsPerSource = 8_000
)

// answer runs `count` hosts, numbered from `first`, until the standard input ends.
func answer(url, authorityFile string, first, count int) error {
	start := time.Now()
	hosts := make([]*nats.Conn, count)
	failures := make(chan error, count)
	var refused atomic.Int64
	var running sync.WaitGroup
	slots := make(chan struct{}, dialsAtOnce)
	for index := range hosts {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			host, err := attach(url, authorityFile, first+index, &refused)
			if err != nil {
				failures <- fmt.Errorf("host %d: %w", first+index, err)
			}
			hosts[index] = host
		})
	}
	running.Wait()
	if len(failures) > 0 {
		return fmt.Errorf("%d of %d hosts could not attach, one because of %w", len(failures), count, <-failures)
	}
	if err := print(map[string]any{"attached": count, "seconds": time.Since(start).Seconds()}); err != nil {
		return err
	}
	err := waitForEndOfInput()
	for _, host := range hosts {
		host.Close()
	}
	if refused.Load() > 0 {
		return fmt.Errorf("%d signatures were wrong", refused.Load())
	}
	return err
}

func attach(url, authorityFile string, number int, refused *atomic.Int64) (*nats.Conn, error) {
	host, err := connect(url, authorityFile, number/hostsPerSource)
	if err != nil {
		return nil, err
	}
	body := replyOf(number)
	key := signingKey().Public().(ed25519.PublicKey)
	_, err = host.Subscribe(commandSubject, func(message *nats.Msg) {
		if !ed25519.Verify(key, message.Data[ed25519.SignatureSize:], message.Data[:ed25519.SignatureSize]) {
			refused.Add(1)
			return
		}
		if err := message.Respond(body); err != nil {
			refused.Add(1)
		}
	})
	if err != nil {
		return nil, err
	}
	return host, host.Flush()
}

// One source address has not enough ports for all hosts.
func connect(url, authorityFile string, source int) (*nats.Conn, error) {
	dialer := &net.Dialer{Timeout: time.Minute, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+source))}}
	return nats.Connect(url,
		nats.RootCAs(authorityFile), nats.SetCustomDialer(dialer), nats.Timeout(time.Minute), nats.NoReconnect())
}

// 70 different answers among all hosts, as the emulator of the product gives.
func replyOf(number int) []byte {
	body := make([]byte, replyBytes)
	for index := range body {
		body[index] = byte(number%70 + index)
	}
	return body
}

// Whoever asks and whoever verifies are of one binary, so the key need not be secret.
func signingKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("nats-floor"))
	return ed25519.NewKeyFromSeed(seed[:])
}
