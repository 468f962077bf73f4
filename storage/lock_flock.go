//go:build !windows && !plan9 && !solaris && !aix && !android

package storage

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lockFile takes the lock that bbolt takes, without reading the file: it may be too
// damaged to be opened. The lock ends with the file.
func lockFile(f *os.File) error {
	for deadline := time.Now().Add(lockWait); ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case time.Now().After(deadline):
			return ErrLocked
		}
		<-time.After(lockWait / 20)
	}
}
