# syntax=docker/dockerfile:1

# Built on the machine's own platform and compiled for the target's, so that an
# image for arm64 does not need emulation.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w" -o /out/newsfeed ./cmd/newsfeed
# The final image has no shell to make this folder. A new volume takes its owner
# from what the image has in its place.
RUN mkdir /out/data

# No shell, no package manager, user 65532; certificates and time zones are there.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/newsfeed /newsfeed
COPY --from=build --chown=65532:65532 /out/data /data
ENV NEWSFEED_ADDR=0.0.0.0:8080 NEWSFEED_DATA=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["/newsfeed", "check"]
ENTRYPOINT ["/newsfeed"]
CMD ["serve"]
