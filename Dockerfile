# One executable, and nothing that it does not need: no shell, no package manager, no root.
#
#   docker build -t seglog:0.1.0 .
#   docker run --rm -p 127.0.0.1:8080:8080 -p 127.0.0.1:8400:8400 -v seglog:/data \
#     -e SEGLOG_UNPROTECTED=true seglog:0.1.0
#
# Who builds for production pins both images by their digests as well: FROM name:tag@sha256:…

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /src
# What is needed to install comes first: it changes less often than the source.
COPY package.json deno.json deno.lock ./
RUN deno install --frozen
COPY mod.ts ./
COPY core ./core
COPY tracing ./tracing
COPY jetstream ./jetstream
COPY replica ./replica
COPY client ./client
COPY server ./server
COPY cli ./cli
COPY scripts ./scripts
# The folder of the data is made here, since the final image has nothing to make it with.
RUN deno task compile && mkdir -p /out/data && mv dist/seglog /out/seglog

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="seglog" \
      org.opencontainers.image.description="A segmented, append-only commit log." \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /out/seglog /usr/local/bin/seglog
# A volume that is made for the first time takes its owner from here.
COPY --from=build --chown=65532:65532 /out/data /data
# In a file, and not in variables: those would be stronger than a file of your own.
COPY deploy/seglog.yaml /etc/seglog/seglog.yaml
ENV SEGLOG_CONFIG=/etc/seglog/seglog.yaml
USER 65532:65532
VOLUME ["/data"]
EXPOSE 8080 8400
STOPSIGNAL SIGTERM
# With TLS it has to ask otherwise: --at https://localhost:8080 --ca-file FILE.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/seglog", "--at", "http://127.0.0.1:8080", "doctor"]
ENTRYPOINT ["/usr/local/bin/seglog"]
CMD ["serve"]
