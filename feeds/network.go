package feeds

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Pause waits; the error is the context's, if that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WithoutAddress takes the address off an error of net/http: a host's own may hold a secret.
func WithoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
