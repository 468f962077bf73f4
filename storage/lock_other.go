//go:build windows || plan9 || solaris || aix || android

package storage

import "os"

// lockFile does nothing where bbolt does not lock with flock: there a file that a bot
// has open cannot be replaced, or the host has to take care.
func lockFile(*os.File) error { return nil }
