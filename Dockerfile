# Page, Gradio and API in one container: docker build -t vae-lab . && docker run -p 7860:7860 vae-lab
# Also what a Docker Space on the Hugging Face Hub builds; docs/hosting/docker.md.
FROM python:3.11-slim

# Where PyTorch's wheels without CUDA lie, a tenth of the size. Empty: plain wheels.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN useradd --create-home --uid 1000 user
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt

COPY app.py asgi.py gradio_app.py LICENSE ./
COPY .streamlit .streamlit
COPY vae vae
COPY ui ui
COPY weights weights
RUN python -m compileall -q vae ui app.py asgi.py gradio_app.py

# The code and its folder belong to root: whoever breaks in cannot change it.
USER user
ENV HOME=/home/user PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1

# Proxies whose X-Forwarded-For is believed: those of private networks, as a Space's or one on this machine. Of the addresses in it
# the last that is not one of them counts; the first, which "*" would take, is whatever a client writes there.
ENV FORWARDED_ALLOW_IPS=127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1,fc00::/7

# Models that weights/sources.toml takes from the Hub are fetched now, and all are checked.
RUN python -c "from vae import hub; [hub.resolve(name) for name in hub.names()]"

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; assert urllib.request.urlopen('http://127.0.0.1:7860/_stcore/health', timeout=4).read() == b'ok'"]
CMD ["uvicorn", "asgi:app", "--host", "0.0.0.0", "--port", "7860", "--proxy-headers", "--no-access-log", "--timeout-graceful-shutdown", "5", "--ws-max-size", "4000000", "--ws-per-message-deflate", "false", "--limit-concurrency", "4000"]
