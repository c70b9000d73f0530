//go:build tools

// Package tools pins, in go.mod and go.sum, the programs that ../../install-deps builds.
package tools

import (
	_ "sigs.k8s.io/kustomize/kustomize/v5"
)
