# What you can do here. `make` lists it; only Go is needed, except where a line
# says otherwise.

.DEFAULT_GOAL := help
SHELL         := /bin/bash

# Tools run at a pinned version and do not enter go.mod: their dependencies are
# not ours.
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.3.0

TEST_TIMEOUT := 15m
CORE         := ./interests/... ./feed/... ./storage/embedded/...
PLATFORMS    := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: help run test check race lint vuln bench cover build build-all
.SILENT: help

help: ## list what you can do
	awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## serve on http://127.0.0.1:8080 with demo articles, stored in ./data
	go run ./cmd/newsfeed serve --demo

test: ## all tests; servers that are not installed are skipped and named by -v
	go test -timeout $(TEST_TIMEOUT) ./...

check: ## what CI runs; installs redis-server and more on a Debian where you are root
	.ci/run

race: ## the core's tests under the race detector (needs a C compiler)
	go test -race -short -timeout $(TEST_TIMEOUT) $(CORE)

lint: ## go vet and the linters of .golangci.yml
	go vet ./...
	go run $(GOLANGCI) run

vuln: ## known vulnerabilities in what we call (asks vuln.go.dev)
	go run $(GOVULNCHECK) ./...

bench: ## all benchmarks, six times each, ready for benchstat
	go test -run '^$$' -bench . -benchmem -count 6 ./...

cover: ## tests with coverage over all packages, into bin/cover.html
	mkdir -p bin
	go test -timeout $(TEST_TIMEOUT) -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -1

build: ## bin/newsfeed for this machine
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/newsfeed

build-all: ## bin/newsfeed-OS-ARCH for each platform that we promise
	for p in $(PLATFORMS); do os=$${p%/*} arch=$${p#*/}; echo "$$p"; \
		out=bin/newsfeed-$$os-$$arch; [[ $$os != windows ]] || out=$$out.exe; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags='-s -w' -o $$out ./cmd/newsfeed || exit 1; \
	done
