//go:build tools

// Package tools pins the libvirt provider, so that it can be built where the Terraform registry is out of reach.
package tools

import _ "github.com/dmacvicar/terraform-provider-libvirt"
