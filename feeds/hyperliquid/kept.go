package hyperliquid

import (
	"context"
	"time"
)

// kept remembers answers for a while, and lets one caller ask while the others wait for
// what it gets.
type kept[T any] struct {
	// turn holds one token, taken by whoever looks at values.
	turn   chan struct{}
	values map[string]keptValue[T]
}

type keptValue[T any] struct {
	at    time.Time
	value T
}

func newKept[T any]() *kept[T] {
	k := &kept[T]{turn: make(chan struct{}, 1), values: make(map[string]keptValue[T])}
	k.turn <- struct{}{}
	return k
}

// get returns a value that is at most maxAge old, asking for it if need be.
func (k *kept[T]) get(ctx context.Context, key string, maxAge time.Duration, ask func(context.Context) (T, error)) (T, error) {
	var none T
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case <-k.turn:
	}
	defer func() { k.turn <- struct{}{} }()
	if v, ok := k.values[key]; ok && time.Since(v.at) < maxAge {
		return v.value, nil
	}
	value, err := ask(ctx)
	if err != nil {
		return none, err
	}
	k.values[key] = keptValue[T]{time.Now(), value}
	return value, nil
}
