# An example: docker build -t liqbot . && docker run --env-file .env -v liqbot:/data liqbot
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN mkdir /data && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /bot ./cmd/bot

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /bot /bot
COPY --from=build --chown=nonroot:nonroot /data /data
ENV DATA_DIR=/data
# Inside a container the web chat can only be reached through a published port, so it
# listens on all addresses there: publish it on a loopback address, -p 127.0.0.1:8080:8080.
ENV WEB_ADDR=0.0.0.0:8080
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["/bot"]
CMD ["run"]
