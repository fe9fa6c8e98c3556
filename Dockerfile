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
# Without optional ones: valibot names the TypeScript compiler as an optional peer, which is 32 MB.
RUN npm ci --omit=dev --omit=optional

FROM node:24-bookworm-slim
WORKDIR /app
# package.json says that dist is made of ES modules.
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN install -d -o node -g node -m 0700 /var/lib/latchkey

# Beyond loopback the service still wants TLS, or to be told LATCHKEY_PLAINTEXT=anywhere, and LATCHKEY_CALLER_AUTH.
ENV NODE_ENV=production \
    LATCHKEY_LISTEN=0.0.0.0:50051 \
    LATCHKEY_METRICS_LISTEN=0.0.0.0:9464 \
    LATCHKEY_DATA_DIR=/var/lib/latchkey
EXPOSE 50051 9464
VOLUME /var/lib/latchkey
USER node

# Healthy is what /readyz says: sign-in works. A service that is not is left to mend itself, not restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.LATCHKEY_METRICS_LISTEN.split(':').at(-1) + '/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node is process 1 and handles SIGTERM itself: it drains and ends.
# A small young generation keeps its collections near 3 ms, a large old one makes full collections rare.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=8", "--initial-old-space-size=96", "--heap-growing-percent=100", "dist/main.js"]
