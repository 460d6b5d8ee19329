# syntax=docker/dockerfile:1
# The operator's image: one static program, the CA roots, the user 65532, nothing else.
#
#   docker build --tag gracekey:dev .
#
# The test bed makes the same image without a container engine (testbed/image), and that one is what the tests run. This file
# itself is built by no test, for want of an engine; what it runs is what testbed/operator and testbed/image do.

FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /src
# glibc, linked statically: rustc needs nothing else for that than what this image has.
ENV RUSTFLAGS="-C target-feature=+crt-static"
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY src ./src
# Members of the workspace: cargo wants to see them, and does not build them.
COPY testbed/simulators ./testbed/simulators
COPY tests/walk ./tests/walk
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    target="$(rustc -vV | sed -n 's/^host: //p')" \
    && cargo build --release --locked --bin gracekey --target "$target" \
    && install -D "target/$target/release/gracekey" /image/usr/local/bin/gracekey \
    && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' >/image/etc/passwd \
    && printf 'root:x:0:\nnonroot:x:65532:\n' >/image/etc/group

FROM scratch
LABEL org.opencontainers.image.title="gracekey" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
# One arena: what a burst of work took is used again by the next, whichever thread does it (docs/performance.md).
ENV PATH=/usr/local/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt MALLOC_ARENA_MAX=1
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/gracekey"]
