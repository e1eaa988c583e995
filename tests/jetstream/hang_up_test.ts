/** Servers that hang up at the worst moment: an error that the caller gets, and never the process's. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { describe, test } from "node:test";
import { SeglogError } from "../../mod.ts";
import { checkCluster } from "../../jetstream/check_cluster.ts";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import { runCli } from "../cli/run_cli.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

/** Enough that a race is lost once. */
const ROUNDS = 5;

const INFO = {
  server_id: "A",
  version: "2.15.0",
  proto: 1,
  headers: true,
  max_payload: 1048576,
};

/** What somebody who is no good server does with a connection. */
const HANG_UPS: Readonly<Record<string, (socket: Socket) => void>> = {
  "at once": (socket) => socket.resetAndDestroy(),
  "after it has told who it is": (socket) => {
    tell(socket);
    socket.once("data", () => socket.resetAndDestroy());
  },
  "after it has said that it wants other credentials": (socket) => {
    tell(socket);
    socket.once("data", () => {
      socket.write("-ERR 'Authorization Violation'\r\n", () => socket.resetAndDestroy());
    });
  },
  "when TLS begins": (socket) => {
    tell(socket, { tls_required: true, tls_available: true });
    socket.once("data", () => socket.resetAndDestroy());
  },
  "with what is no TLS": (socket) => {
    tell(socket, { tls_required: true, tls_available: true });
    socket.once("data", () => socket.write("no TLS\r\n", () => socket.resetAndDestroy()));
  },
};

describe("a server that hangs up", () => {
  for (const [when, hangUp] of Object.entries(HANG_UPS)) {
    test(`${when} is an error of who connects`, async () => {
      await using server = await listen(hangUp);
      for (let round = 0; round < ROUNDS; round++) {
        await assert.rejects(
          Connection.open(parseClusterUrl(server.url), { timeoutMs: 300 }),
          SeglogError,
        );
      }
    });
  }

  test("when nobody listens any more is an error of who connects", async () => {
    const server = await listen(() => {});
    await server[Symbol.asyncDispose]();
    await assert.rejects(Connection.open(parseClusterUrl(server.url)), { code: "unavailable" });
  });

  test("again and again, later, is a connection that is made again each time", async () => {
    const sockets = new Set<Socket>();
    await using server = await listen((socket) => {
      tell(socket);
      sockets.add(socket);
      socket.on("data", (data) => {
        if (String(data).includes("PING")) socket.write("PONG\r\n");
      });
    });
    let told = () => {};
    const connection = await Connection.open(parseClusterUrl(server.url), {
      onNotice: (notice) => notice.startsWith("connected") && told(),
    });
    for (let round = 0; round < ROUNDS; round++) {
      const isBack = new Promise<void>((resolve) => told = resolve);
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
      await isBack;
    }
    await connection.close();
  });

  test("on whoever it does not know leaves one line, and exit code 1", withNats, async () => {
    await using server = await startNats({ config: "authorization { user: bob, password: x }" });
    for (let round = 0; round < ROUNDS; round++) {
      const { code, out, err } = await runCli(["--at", server.url, "append", "o", "x"]);
      assert.match(err, /^seglog: Cannot connect to \S+: the servers want other credentials.*\n$/);
      assert.deepEqual([code, out], [1, ""]);
    }
  });
});

test("no try at a server that says nothing leaves a socket", async () => {
  const ends: Promise<unknown>[] = [];
  let greeted = Promise.withResolvers<void>();
  await using server = await listen((socket) => {
    ends.push(once(socket.resume(), "close"));
    greeted.resolve();
  });
  const url = parseClusterUrl(server.url);
  await assert.rejects(Connection.open(url, { timeoutMs: 100 }), { code: "unavailable" });
  await greeted.promise; // it may have given up before anybody came to greet it
  await Promise.all(ends);
  greeted = Promise.withResolvers();
  const away = await Connection.open(url, { timeoutMs: 100, mayBeAway: true });
  await greeted.promise;
  greeted = Promise.withResolvers();
  await greeted.promise; // it is tried again
  await away.close();
  await Promise.all(ends);
  assert.equal(ends.length, 3);
});

describe("what may be away is not waited for", () => {
  test("where several servers say nothing", async () => {
    await using one = await listen(() => {});
    await using two = await listen(() => {});
    await using three = await listen(() => {});
    const url = [one, two, three].map(({ url }) => url.slice("nats://".length)).join(",");
    const timeoutMs = 1500;
    const opening = Connection.open(parseClusterUrl(`nats://${url}`), {
      timeoutMs,
      mayBeAway: true,
    });
    const away = await before(2 * timeoutMs, opening);
    await away.close();
  });

  test("where a server is there, and JetStream is not", async () => {
    await using server = await listen((socket) => {
      tell(socket);
      socket.on("data", (data) => {
        if (String(data).includes("PING")) socket.write("PONG\r\n");
      });
    });
    const url = parseClusterUrl(server.url);
    const opening = Connection.open(
      url,
      { mayBeAway: true },
      (tried) => checkCluster(tried, url),
    );
    const away = await before(10_000, opening);
    // What is asked has half of the time; a machine that stands still meanwhile leaves it none.
    const why = /no answer came in time|no server was ready within 5000 ms/;
    await assert.rejects(away.connected(Date.now()), { message: why });
    await away.close();
  });
});

/**
 * What is opened, when that takes less than so long by the order in which timers end: a machine that
 * stands still holds all of them up.
 */
async function before(limitMs: number, opening: Promise<Connection>): Promise<Connection> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  const opened = await Promise.race([opening, late]).finally(() => clearTimeout(timer));
  if (opened !== undefined) return opened;
  await (await opening).close();
  assert.fail(`it was waited for longer than ${limitMs} ms`);
}

interface Listening extends AsyncDisposable {
  readonly url: string;
}

async function listen(greet: (socket: Socket) => void): Promise<Listening> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    socket.on("error", () => {}); // the other side may hang up first
    socket.on("close", () => open.delete(socket));
    open.add(socket);
    greet(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    url: `nats://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function tell(socket: Socket, more: Readonly<Record<string, unknown>> = {}): void {
  socket.write(`INFO ${JSON.stringify({ ...INFO, ...more })}\r\n`);
}
