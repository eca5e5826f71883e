# All functions and the page in one image; FUNCTION says which of them a container is. From the project's root:
#
#   docker build -f infra/cloud/images/functions.Dockerfile --target functions -t recon3d-functions .
#   docker build -f infra/cloud/images/functions.Dockerfile --target host -t recon3d-host .
#
# The second also has what stands in for the platform on one machine (infra/cloud/compose). Bases are pinned by version, not by digest: write
# the digests that your registry has where builds must be the same for ever.

FROM node:20-bookworm AS page
WORKDIR /src
COPY Makefile ./
COPY infra/local/setup/node infra/local/setup/
COPY functions/web functions/web
RUN make web

FROM golang:1.26-bookworm AS programs
WORKDIR /src
COPY go.mod go.sum serverless.yml ./
COPY functions functions
COPY shared shared
COPY infra infra
COPY --from=page /src/functions/web/dist functions/web/dist
RUN go run ./infra/cloud/bundle -o /app
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /tools/ ./infra/cloud/images/probe ./infra/cloud/compose/host

FROM scratch AS functions
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /tools/probe /probe
COPY --from=programs /app /app
WORKDIR /app
USER 65532:65532
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=5s CMD ["/probe", "9000"]
ENTRYPOINT ["/app/scf_bootstrap"]

FROM scratch AS host
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /tools/probe /probe
COPY --from=programs /tools/host /host
COPY serverless.yml /deployment/
COPY infra/cloud/routes.yaml /deployment/infra/cloud/
WORKDIR /deployment
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=5s CMD ["/probe", "8080"]
ENTRYPOINT ["/host"]
