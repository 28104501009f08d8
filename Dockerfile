# The service's images: `api` (Node.js and the code, no root), `worker` (what works on VMs), `setup` (runs once: builds
# guest images, prepares the node). Built by scripts/docker-start.sh; PostgreSQL, Redis and Nginx are in deploy/docker.
# The base is a Debian 13 with Node.js 20.19, 22.13, 24.11 or newer of each. Written for the classic builder and BuildKit alike.
ARG BASE_IMAGE=node:22-trixie-slim

FROM ${BASE_IMAGE} AS base
COPY deploy/docker/install-packages.sh /usr/local/sbin/install-packages
RUN chmod 0755 /usr/local/sbin/install-packages && install-packages ca-certificates \
  && (getent passwd vm-webhoster || useradd --system --uid 64064 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vm-webhoster)

FROM base AS app
WORKDIR /app
# the last two are there or not
COPY package.json deploy/offline/node_modules.ta[r] deploy/offline/lock-sha25[6] /offline/
COPY package.json package-lock.json tsconfig.json ./
COPY api api
COPY cli cli
COPY engine engine
COPY stacks stacks
COPY templates templates
COPY deploy/docker/build-app.sh /build-app
RUN sh /build-app

FROM base AS terraform
RUN install-packages curl unzip
COPY deploy/offline/ /offline/
COPY scripts/lib /src/scripts/lib
COPY engine/machine/terraform/provider /src/engine/machine/terraform/provider
COPY deploy/docker/fetch-terraform.sh /fetch-terraform
RUN bash /fetch-terraform

FROM base AS api
WORKDIR /app
ENV NODE_ENV=production ROLE=api
COPY --from=app /app/package.json ./
COPY --from=app /app/node_modules node_modules
COPY --from=app /app/dist dist
USER 64064:64064
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.API_PORT || 8000}/api/v1/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/api/main.js"]

FROM base AS worker
RUN install-packages libvirt-clients nginx-light libnginx-mod-stream libnginx-mod-http-lua openssh-client genisoimage xsltproc nftables
WORKDIR /app
ENV NODE_ENV=production ROLE=worker TERRAFORM_BIN=/opt/vm-webhoster/bin/terraform
COPY --from=terraform /opt/vm-webhoster /opt/vm-webhoster
COPY --from=app /app/package.json ./
COPY --from=app /app/node_modules node_modules
COPY --from=app /app/dist dist
COPY images images
RUN ln -sf /app/dist/cli/main.js /usr/local/bin/webhoster && chmod 0755 dist/cli/main.js
# every worker writes this file every 10 s, once it has reached the database
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["sh", "-c", "[ $(($(date +%s) - $(stat -c %Y \"$DATA_DIR/run/worker.alive\"))) -lt 40 ]"]
CMD ["node", "dist/api/main.js"]

FROM worker AS setup
RUN install-packages qemu-system-x86 qemu-utils mmdebstrap debian-archive-keyring e2fsprogs cpio xz-utils zstd \
  busybox-static curl fdisk
COPY deploy/docker/setup.sh /usr/local/sbin/setup
ENTRYPOINT ["sh", "/usr/local/sbin/setup"]
