//go:build race

package exchanges_test

const raceEnabled = true
