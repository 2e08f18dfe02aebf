# Build and runtime are separate: what is shipped is the binary, a C library and CA certificates.
FROM rust:1.95-slim-bookworm AS build
# `demo` adds the demo's application, for docker-compose.yml; what is deployed has no use for it.
ARG FEATURES=""
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features --features "$FEATURES" --bin stepgate \
    && install -D target/release/stepgate /out/usr/local/bin/stepgate \
    # A volume mounted on an empty directory takes over its owner: the user below.
    && install -d -o 65532 -g 65532 -m 700 /out/var/lib/stepgate

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/ /
# Settings are read from here, state is kept there.
WORKDIR /etc/stepgate
VOLUME /var/lib/stepgate
EXPOSE 8080
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/stepgate"]
CMD ["serve"]
