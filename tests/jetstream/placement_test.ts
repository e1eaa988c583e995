/** Where a cluster has no place for a stream: a member that is away comes back, too few do not grow. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { SeglogError } from "../../mod.ts";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import { Streams } from "../../jetstream/streams.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

const NO_PLACE = "no suitable peers for placement";
/** Fewer requests than are made where one is asked again until the time is over, by far. */
const SOME = 10;

describe("a stream that the cluster has no place for", () => {
  /**
   * Makes one where these are the answers to who asks, the last one again and again.
   *
   * @returns how often it was asked for, once more for each answer that came too late; and why it was
   * not made
   */
  async function makeWith(answers: readonly unknown[]): Promise<{ asked: number; why: unknown }> {
    // What goes to JetStream comes to this test.
    await using server = await startNats({ config: 'mappings { "$JS.API.>": "played.>" }' });
    const url = parseClusterUrl(`${server.url}/?replicas=3`);
    const members = await connect({ servers: server.url });
    let asked = 0;
    members.subscribe("played.STREAM.CREATE.*", {
      callback: (_, message) =>
        void message.respond(JSON.stringify(answers[Math.min(asked++, answers.length - 1)])),
    });
    await members.flush();
    const connection = await Connection.open(url);
    try {
      const plan = { name: "S", subjects: ["s"], description: "", kind: "partition" } as const;
      const why = await new Streams(connection, url).make(plan).catch((error) => error);
      return { asked, why };
    } finally {
      await connection.close();
      await members.close();
    }
  }

  test("because a member is away is asked for again", withNats, async () => {
    const away = { error: { err_code: 10005, description: `${NO_PLACE}, peer offline` } };
    const { asked, why } = await makeWith([away, away, { type: "made" }]);
    assert.equal(why, undefined);
    assert.ok(asked >= 3);
  });

  test("because it has too few members is refused at once", withNats, async () => {
    const few = { error: { err_code: 10005, description: NO_PLACE } };
    const { asked, why } = await makeWith([few]);
    assert.ok(why instanceof SeglogError);
    assert.equal(why.code, "unavailable");
    assert.match(why.message, /no suitable peers .*fewer replicas/);
    assert.ok(asked < SOME, `it was asked for ${asked} times`);
  });
});
