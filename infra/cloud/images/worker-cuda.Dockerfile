# The worker with the engine crm, for an NVIDIA GPU of 12 GB or more. From the project's root:
#
#   docker build -f infra/cloud/images/worker-cuda.Dockerfile --build-arg KAOLIN_WHEELS=… -t recon3d-worker-cuda .
#   docker run --init --gpus all -p 8000:8000 -v recon3d-worker:/data -v …/weights:/weights:ro -e CALLBACK_SECRETS=whsec_… recon3d-worker-cuda
#
# KAOLIN_WHEELS is the page of Kaolin's wheels for this PyTorch and CUDA, from Kaolin's installation guide. /weights holds the
# four files that functions/worker/worker/engines/crm/README.md names. Loading takes minutes; until then /health says "starting".

FROM pytorch/pytorch:2.5.1-cuda12.4-cudnn9-devel
ARG KAOLIN_WHEELS
ARG CRM_COMMIT=8a16cf6
RUN apt-get update && apt-get install -y --no-install-recommends git libgl1 libegl1 && rm -rf /var/lib/apt/lists/*
RUN git clone https://github.com/thu-ml/CRM /opt/CRM && git -C /opt/CRM checkout $CRM_COMMIT

# CRM's packages first, then the worker's from its list: the lock file is for an environment of the worker alone.
RUN pip install --no-cache-dir xformers==0.0.28.post3 diffusers==0.24.0 "huggingface-hub<0.26" transformers==4.36.2 \
	open-clip-torch==2.7.0 einops==0.7.0 omegaconf xatlas "setuptools<82" && \
	pip install --no-cache-dir kaolin==0.17.0 -f "$KAOLIN_WHEELS" && \
	pip install --no-cache-dir --no-build-isolation git+https://github.com/NVlabs/nvdiffrast
COPY functions/worker/requirements.in /setup/
RUN pip install --no-cache-dir -r /setup/requirements.in

RUN useradd --system --uid 10001 --home-dir /worker worker && install -d -o worker -g worker /data
COPY functions/worker/worker /worker/worker
WORKDIR /worker
USER worker
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/data ENGINE=crm CRM_HOME=/opt/CRM CRM_WEIGHTS=/weights PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=15m --interval=15s --timeout=5s CMD ["python", "-m", "worker.probe"]
ENTRYPOINT ["python", "-m", "worker"]
