# The service in a container: docker build -t taskmanager .
# Both stages have the same Node and the same Debian, because what npm compiles in the first runs in the last.

FROM node:24.18.0-bookworm AS build
WORKDIR /app

# What npm needs to install, first: it is done again only when one of these changes.
COPY package.json package-lock.json .npmrc ./
COPY packages/protocol/package.json packages/protocol/
COPY packages/client/package.json packages/client/
COPY packages/cli/package.json packages/cli/
COPY packages/cli/bin packages/cli/bin/
COPY packages/public-address/package.json packages/public-address/
COPY packages/search/package.json packages/search/
COPY packages/sqlite-driver/package.json packages/sqlite-driver/
COPY packages/workers/package.json packages/workers/
RUN npm ci

COPY tsconfig.json tsconfig.build.json nest-cli.json .swcrc ./
COPY scripts/build.mjs scripts/
COPY packages packages/
COPY src src/
RUN npm run --silent build && npm prune --omit=dev

FROM node:24.18.0-bookworm-slim
# No workers in here: they run git, and what they clone and import wants a disk of its own.
ENV NODE_ENV=production DATA_DIR=/data BACKUP_DIR=/backups WORKERS=off
WORKDIR /app

COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules/
COPY --from=build /app/packages/protocol/package.json packages/protocol/
COPY --from=build /app/packages/protocol/dist packages/protocol/dist/
COPY --from=build /app/packages/client/package.json packages/client/
COPY --from=build /app/packages/client/dist packages/client/dist/
COPY --from=build /app/packages/cli packages/cli/
COPY --from=build /app/packages/public-address packages/public-address/
COPY --from=build /app/packages/search/package.json packages/search/
COPY --from=build /app/packages/search/dist packages/search/dist/
COPY --from=build /app/packages/sqlite-driver packages/sqlite-driver/
COPY --from=build /app/dist dist/
COPY scripts/log-copy.mjs scripts/restore.mjs scripts/
COPY deploy/healthcheck.mjs deploy/

# The log or the views: whatever DATA_DIR holds has to outlive the container.
# Backups want a volume of their own: without one they go with the container.
RUN mkdir /data /backups && chown node:node /data /backups
VOLUME /data
USER node
EXPOSE 4010

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "deploy/healthcheck.mjs"]

# Node itself is process 1, so that SIGTERM reaches it: it drains and exits with 0.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=32", "dist/main.js"]
