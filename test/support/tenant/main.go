// A tenant's web server that says anything, and a proxy that shares its connections among all who ask.
//
//	tenant says ADDRESS
//	tenant proxy ADDRESS TARGET
//
// Both say `ready` once they listen. What the server says to a request stands in its path: `/say/` and then parts,
// separated by dots: base64url is sent as it is, a number of milliseconds is waited. Any other path gets a page that
// shows the cookies it was asked with.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	switch {
	case len(os.Args) == 3 && os.Args[1] == "says":
		says(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "proxy":
		proxy(os.Args[2], os.Args[3])
	default:
		log.Fatal("tenant says ADDRESS | tenant proxy ADDRESS TARGET")
	}
}

func listen(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	return listener
}

// One connection to the target for everybody, as long as it lives.
func proxy(address, target string) {
	to, err := url.Parse(target)
	if err != nil {
		log.Fatal(err)
	}
	shared := &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true}
	handler := &httputil.ReverseProxy{
		Rewrite:   func(request *httputil.ProxyRequest) { request.SetURL(to); request.Out.Host = request.In.Host },
		Transport: shared,
		ErrorLog:  log.New(os.Stderr, "", 0),
	}
	log.Fatal(http.Serve(listen(address), handler))
}

func says(address string) {
	listener := listen(address)
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go answer(connection)
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(time.Minute))
	reader := bufio.NewReader(connection)
	for {
		first, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		cookies := ""
		for line := first; line != "\r\n" && line != "\n"; {
			if line, err = reader.ReadString('\n'); err != nil {
				return
			}
			if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "cookie") {
				cookies += strings.TrimSpace(value)
			}
		}
		fields := strings.Fields(first)
		if len(fields) < 2 {
			return
		}
		path, _, _ := strings.Cut(fields[1], "?")
		if words, ok := strings.CutPrefix(path, "/say/"); ok {
			say(connection, words)
			return
		}
		page := "page of tenant, cookies: " + cookies
		fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(page), page)
	}
}

func say(connection net.Conn, words string) {
	for _, part := range strings.Split(words, ".") {
		if pause, err := strconv.Atoi(part); err == nil {
			time.Sleep(time.Duration(pause) * time.Millisecond)
			continue
		}
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return
		}
		if _, err := connection.Write(text); err != nil {
			return
		}
	}
}
