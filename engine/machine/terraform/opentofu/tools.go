//go:build tools

// Package tools keeps OpenTofu's command among the modules that go.sum answers for.
package tools

import _ "github.com/opentofu/opentofu/cmd/tofu"
