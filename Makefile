GO ?= go
FUZZTIME ?= 5000x

.PHONY: help test race lint fmt fuzz bench kill gallery demo build

help: ## list these commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

test: ## run the tests
	$(GO) test ./...

race: ## run the tests with the race detector, shuffled
	$(GO) test -race -shuffle=on ./...

lint: ## run go vet and the linters
	$(GO) vet ./... && golangci-lint run

fmt: ## format the code
	golangci-lint fmt

fuzz: ## run every fuzz target for FUZZTIME (5000x inputs)
	bench/fuzz.sh $(FUZZTIME)

bench: ## run the benchmarks, compare charts with go-chart and matplotlib, measure feeds and alerts
	$(GO) test -run '^$$' -bench . -benchmem ./handlers ./charts ./watcher ./delivery
	$(GO) test -run '^$$' -bench . -benchmem ./liquidation ./feeds/...
	$(GO) test -run '^$$' -bench . -benchtime 3x ./storage
	$(GO) test -run '^$$' -bench DecodeToState -benchmem ./sources/exchanges
	GOGC=33 $(GO) test -run '^$$' -bench HundredCoins -benchtime 3x ./sources/exchanges
	$(GO) test -run '^$$' -bench . -benchtime 30x ./cmd/bot
	$(GO) test ./cmd/bot -run 'TestRepliesDuringAFanOut|TestFanOut' -measure -v | grep -E 'idle|sends|ok|FAIL'
	$(GO) test ./cmd/bot -run TestBulk -measure -bulk-chats 3000 -bulk-rate 28 -v | grep -E 'wanted|memory|ok|FAIL'
	$(GO) test ./cmd/bot -run TestBulk -measure -bulk-chats 100000 -bulk-rate 200 -timeout 30m -v | grep -E 'wanted|memory|ok|FAIL'
	./bench/compare.sh
	./bench/ready.sh

kill: ## kill the bot in the middle of a fan-out to 10,000, 50 times (half an hour)
	$(GO) test ./cmd/bot -run TestKilled -kill-rounds 50 -kill-chats 10000 -kill-rate 500 -timeout 90m -v | grep -E '[|] |round|ok|FAIL'

gallery: ## draw every picture into ./gallery
	mkdir -p gallery && $(GO) test ./charts -run TestGallery -gallery $(CURDIR)/gallery

demo: ## run the web chat on the demo market
	$(GO) run ./cmd/bot demo

build: ## build one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bot ./cmd/bot
