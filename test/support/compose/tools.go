//go:build tools

// Package tools pins Docker Compose v2, which the tests of the containers run as a plugin of the docker command.
package tools

import _ "github.com/docker/compose/v2/cmd"
