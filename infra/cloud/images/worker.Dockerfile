# The worker on a CPU. Build it from the project's root, run it with a volume:
#
#   docker build -f infra/cloud/images/worker.Dockerfile -t recon3d-worker .
#   docker run --init -p 8000:8000 -v recon3d-worker:/data -e CALLBACK_SECRETS=whsec_… recon3d-worker
#
# /data holds accepted tasks and undelivered callbacks: each replica needs its own. Give it longer than DRAIN_TIMEOUT to
# stop (docker run --stop-timeout 30, terminationGracePeriodSeconds: 30).

FROM python:3.11-slim-bookworm AS packages
COPY functions/worker/requirements.txt infra/local/setup/venv /setup/
RUN /setup/venv /venv /setup/requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /worker worker && install -d -o worker -g worker /data
COPY --from=packages /venv /venv
COPY functions/worker/worker /worker/worker
WORKDIR /worker
USER worker
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/data PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=30s --interval=15s --timeout=5s CMD ["/venv/bin/python", "-m", "worker.probe"]
ENTRYPOINT ["/venv/bin/python", "-m", "worker"]
