# The local server in a container, for those who do not have Rust. Like `cargo run`, it is for development: plain HTTP,
# and private keys in clear in its volume.
#
#   docker build --tag tokenmint .
#   docker run --rm --publish 127.0.0.1:9000:9000 --volume tokenmint:/data tokenmint

FROM rust:1.95-slim-trixie AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package tokenmint
# A new volume gets the owner of the folder that it is mounted over.
RUN mkdir /data && chown 65532:65532 /data && chmod 700 /data

# A C library, certificates and the user 65532; no shell.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build --chown=65532:65532 /data /data
COPY --from=build /source/target/release/tokenmint /usr/local/bin/tokenmint
USER 65532:65532
# The program keeps clients and keys in .tokenmint, below this folder.
WORKDIR /data
VOLUME /data
EXPOSE 9000
ENTRYPOINT ["/usr/local/bin/tokenmint"]
# In a container, 127.0.0.1 is the container itself. The issuer is http://127.0.0.1:9000 all the same, until ISSUER says
# otherwise.
CMD ["serve", "--listen", "0.0.0.0:9000"]
