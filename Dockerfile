# syntax=docker/dockerfile:1
# One image for every process: `notifier api`, `notifier worker`, `notifier scheduler`, or all in one by `notifier up`.
# A tag moves. Pin the base by its digest: --build-arg PYTHON=python:3.13-slim-bookworm@sha256:... (docker-compose.yml:
# PYTHON_IMAGE); `docker buildx imagetools inspect python:3.13-slim-bookworm` prints it.
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS wheel
WORKDIR /src
RUN python -m venv /build
COPY requirements-dev.lock .
# The locked build backend, by hash; the rest of this lock stays behind in this stage.
RUN --mount=type=cache,target=/root/.cache/pip /build/bin/pip install --no-deps --require-hashes -r requirements-dev.lock
COPY . .
RUN /build/bin/hatchling build --target wheel

FROM ${PYTHON} AS installed
RUN python -m venv /opt/notifier
COPY requirements.lock .
RUN --mount=type=cache,target=/root/.cache/pip /opt/notifier/bin/pip install --no-deps --require-hashes -r requirements.lock
RUN --mount=type=bind,from=wheel,source=/src/dist,target=/dist /opt/notifier/bin/pip install --no-deps --no-index /dist/*.whl \
    && /opt/notifier/bin/python -m compileall -q /opt/notifier/lib

FROM ${PYTHON}
ENV PATH=/opt/notifier/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NOTIFIER_DATA_DIR=/data
RUN groupadd --gid 10001 notifier \
    && useradd --uid 10001 --gid notifier --no-create-home --home-dir /data --shell /usr/sbin/nologin notifier \
    && install --directory --owner notifier --group notifier --mode 0700 /data
COPY --from=installed /opt/notifier /opt/notifier
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8025
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8025/healthz', timeout=4)"]
ENTRYPOINT ["notifier"]
CMD ["up", "--host", "0.0.0.0"]
