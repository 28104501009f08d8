package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A guest agent as a tenant with root would write one.
//
//	never      takes what it is asked, and says nothing
//	late       answers everything, eight seconds later
//	wrong      answers in the right form, with another id, and then as if nothing had been wrong
//	garbage    answers with what is no JSON, and with half of what is
//	megabytes  keeps to the protocol, and has done what it is asked with 2 MiB of output
//	endless    keeps to the protocol, and is never done
//	flood      speaks without being asked, as fast as it can
func agent(mode string) error {
	port, err := agentPort()
	if err != nil {
		return err
	}
	defer port.Close()
	fmt.Println("ready")
	if mode == "flood" {
		line := append(bytes.Repeat([]byte("flood "), 10000), '\n')
		for {
			if _, err := port.Write(line); err != nil {
				return err
			}
		}
	}
	requests := bufio.NewReaderSize(port, 1<<20)
	for {
		line, err := requests.ReadBytes('\n')
		if err != nil {
			// nobody is at the other end right now
			time.Sleep(50 * time.Millisecond)
			continue
		}
		for _, answer := range answers(mode, line) {
			if mode == "late" {
				time.Sleep(8 * time.Second)
			}
			if _, err := port.Write(answer); err != nil {
				return err
			}
		}
	}
}

// As long as the real agent has it the port is busy; init starts that one again and again.
func agentPort() (*os.File, error) {
	names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
	for _, name := range names {
		text, _ := os.ReadFile(name)
		if strings.TrimSpace(string(text)) != "org.qemu.guest_agent.0" {
			continue
		}
		device := "/dev/" + filepath.Base(filepath.Dir(name))
		var port *os.File
		var err error
		for tries := 0; tries < 100; tries++ {
			if port, err = os.OpenFile(device, os.O_RDWR, 0); err == nil {
				return port, nil
			}
			time.Sleep(50 * time.Millisecond)
		}
		return nil, err
	}
	return nil, fmt.Errorf("no port of that name")
}

func answers(mode string, line []byte) [][]byte {
	var request struct {
		Execute   string
		Arguments struct{ ID int64 }
	}
	if json.Unmarshal(bytes.TrimLeft(bytes.TrimSpace(line), "\xff"), &request) != nil {
		return nil
	}
	say := func(value any) []byte {
		text, _ := json.Marshal(map[string]any{"return": value})
		return append(text, '\n')
	}
	isSync := strings.HasPrefix(request.Execute, "guest-sync")
	switch {
	case mode == "never":
		return nil
	case mode == "garbage":
		return [][]byte{{0xff, 0, 0xfe, '{', '"', '\n'}, []byte("{\"return\": ")}
	case mode == "wrong" && isSync:
		return [][]byte{say(request.Arguments.ID + 1)}
	case isSync:
		return [][]byte{say(request.Arguments.ID)}
	case request.Execute == "guest-exec":
		return [][]byte{say(map[string]any{"pid": 1})}
	case request.Execute == "guest-exec-status" && mode == "megabytes":
		output := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 2<<20))
		return [][]byte{say(map[string]any{"exited": true, "exitcode": 0, "out-data": output})}
	case request.Execute == "guest-exec-status":
		return [][]byte{say(map[string]any{"exited": mode != "endless", "exitcode": 0})}
	default:
		return [][]byte{say(map[string]any{})}
	}
}
