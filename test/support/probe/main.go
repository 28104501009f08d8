// What a tenant with root tries on the network, as a static program that fits into the micro guest.
//
//	probe send IFACE COUNT          raw Ethernet frames from stdin, one in hexadecimal a line, each COUNT times
//	probe listen IFACE              prints the label of each frame that has one, until the label "end"
//	probe read DEVICE COUNT BYTES   that many reads past every cache; prints the milliseconds they took
//	probe agent MODE                takes the place of the guest agent: see agent.go
//	probe connect SRCPORT HOST:PORT...   tries TCP, prints open, refused or nothing; SRCPORT 0 leaves it to the kernel
//
// A label is what stands between "WHPROBE:" and ";" anywhere in a frame. Nothing here outlives two minutes.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const everyProtocol = 0x0300 // ETH_P_ALL in network order

func main() {
	go func() {
		time.Sleep(120 * time.Second)
		os.Exit(4)
	}()
	var err error
	switch os.Args[1] {
	case "send":
		err = send(os.Args[2], os.Args[3])
	case "listen":
		err = listen(os.Args[2])
	case "read":
		err = read(os.Args[2], os.Args[3], os.Args[4])
	case "agent":
		err = agent(os.Args[2])
	case "connect":
		err = connect(os.Args[2], os.Args[3:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func indexOf(iface string) (int, error) {
	text, err := os.ReadFile("/sys/class/net/" + iface + "/ifindex")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func packetSocket(iface string) (int, int, error) {
	index, err := indexOf(iface)
	if err != nil {
		return 0, 0, err
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, everyProtocol)
	if err != nil {
		return 0, 0, err
	}
	return fd, index, syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: everyProtocol, Ifindex: index})
}

func send(iface, count string) error {
	times, err := strconv.Atoi(count)
	if err != nil || times > 100 {
		return fmt.Errorf("a count of at most 100")
	}
	fd, index, err := packetSocket(iface)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		frame, err := hex.DecodeString(lines.Text())
		if err != nil {
			return err
		}
		for i := 0; i < times; i++ {
			if err := syscall.Sendto(fd, frame, 0, &syscall.SockaddrLinklayer{Ifindex: index}); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func listen(iface string) error {
	fd, index, err := packetSocket(iface)
	if err != nil {
		return err
	}
	// struct packet_mreq, PACKET_MR_PROMISC: what is meant for others counts as heard
	var mreq [16]byte
	*(*int32)(unsafe.Pointer(&mreq[0])) = int32(index)
	*(*uint16)(unsafe.Pointer(&mreq[4])) = 1
	if err := syscall.SetsockoptString(fd, syscall.SOL_PACKET, syscall.PACKET_ADD_MEMBERSHIP, string(mreq[:])); err != nil {
		return err
	}
	fmt.Println("ready")
	buffer := make([]byte, 65536)
	for {
		n, _, err := syscall.Recvfrom(fd, buffer, 0)
		if err == syscall.EINTR || err == syscall.ENETDOWN {
			continue
		}
		if err != nil {
			return err
		}
		at := bytes.Index(buffer[:n], []byte("WHPROBE:"))
		if at < 0 {
			continue
		}
		label, _, found := bytes.Cut(buffer[at+8:n], []byte(";"))
		if !found {
			continue
		}
		fmt.Println(string(label))
		if string(label) == "end" {
			return nil
		}
	}
}

func read(device, count, size string) error {
	times, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	fd, err := syscall.Open(device, syscall.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		return err
	}
	memory := make([]byte, length+4096)
	aligned := memory[4096-int(uintptr(unsafe.Pointer(&memory[0]))&4095):][:length]
	begun := time.Now()
	for i := 0; i < times; i++ {
		if _, err := syscall.Pread(fd, aligned, int64(i%1000*length)%(1<<29)); err != nil {
			return err
		}
	}
	fmt.Println(time.Since(begun).Milliseconds())
	return nil
}

func connect(sourcePort string, targets []string) error {
	source, err := strconv.Atoi(sourcePort)
	if err != nil {
		return err
	}
	// side by side: each that is not answered takes seconds
	results := make(chan string)
	for _, target := range targets {
		go func(target string) { results <- target + " " + try(source, target) }(target)
	}
	for range targets {
		fmt.Println(<-results)
	}
	return nil
}

func try(source int, target string) string {
	host, port, _ := strings.Cut(target, ":")
	address := &syscall.SockaddrInet4{}
	for i, octet := range strings.Split(host, ".") {
		value, _ := strconv.Atoi(octet)
		address.Addr[i] = byte(value)
	}
	address.Port, _ = strconv.Atoi(port)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err.Error()
	}
	defer syscall.Close(fd)
	// the kernel gives up a connect after this long, too
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &syscall.Timeval{Sec: 4})
	if source != 0 {
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: source}); err != nil {
			return "bind: " + err.Error()
		}
	}
	switch err := syscall.Connect(fd, address); err {
	case nil:
		return "open"
	case syscall.ECONNREFUSED:
		return "refused"
	case syscall.EINPROGRESS, syscall.EAGAIN, syscall.ETIMEDOUT, syscall.EHOSTUNREACH:
		return "nothing"
	default:
		return err.Error()
	}
}
