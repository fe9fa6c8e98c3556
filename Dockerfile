# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY buf.yaml buf.gen.yaml buf.descriptors.yaml tsconfig.json tsconfig.build.json ./
COPY proto proto
COPY scripts scripts
COPY src src
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Omits optional packages: the TypeScript compiler, an optional peer of valibot, takes 32 MB.
RUN npm ci --omit=dev --omit=optional

FROM node:24-bookworm-slim
WORKDIR /app
# package.json declares that dist contains ES modules.
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN install -d -o node -g node -m 0700 /var/lib/latchkey

# Beyond loopback the service also requires TLS or LATCHKEY_PLAINTEXT=anywhere, and LATCHKEY_CALLER_AUTH.
ENV NODE_ENV=production \
    LATCHKEY_LISTEN=0.0.0.0:50051 \
    LATCHKEY_METRICS_LISTEN=0.0.0.0:9464 \
    LATCHKEY_DATA_DIR=/var/lib/latchkey
# 8080 is for the BFF, which is in the image too: dist/bff/main.js (docs/bff.md).
EXPOSE 50051 9464 8080
VOLUME /var/lib/latchkey
USER node

# Healthy means that /readyz reports ready: sign-in works. An unhealthy service recovers without a restart.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.LATCHKEY_METRICS_LISTEN.split(':').at(-1) + '/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node is process 1 and handles SIGTERM: it drains and exits.
# A small young generation keeps garbage collections near 3 ms. A large old generation makes full ones rare.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=8", "--initial-old-space-size=96", "--heap-growing-percent=100", "dist/main.js"]
