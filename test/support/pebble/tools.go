//go:build tools

// Package tools pins Pebble, the authority that tests order certificates from, and its test server of names.
package tools

import (
	_ "github.com/letsencrypt/pebble/v2/cmd/pebble"
	_ "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"
)
