import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { EventStream } from "../../../mcp/streams/event-stream.ts";
import { createClock, MINUTE, SECOND } from "../../support/clock.mts";
import { until } from "./replicas.mts";
import { STREAM_HOSTS, startStreamHost } from "./stream-host.mts";

for (const name of STREAM_HOSTS) {
  describe(`an event stream on ${name}`, () => {
    test("opens with a comment before anything is sent, and no proxy may hold it back", async (t) => {
      const host = await startStreamHost(t, name);
      const reader = await host.open();
      await until(() => reader.text() === ":\n\n", "the first comment");
      assert.equal(reader.response.statusCode, 200);
      const { "content-type": type, "cache-control": cache, "x-accel-buffering": buffering } = reader.response.headers;
      assert.deepEqual([type, cache, buffering], ["text/event-stream", "no-cache, no-transform", "no"]);
    });

    test("carries events in the format of the standard, ends after the last one, and is silent then", async (t) => {
      const host = await startStreamHost(t, name);
      const reader = await host.open();
      const stream = only(host.streams);
      stream.send({ data: "", id: "s.0", retry: 500 });
      stream.send({ data: '{"a":"ü\\n"}' });
      stream.send({ data: "/messages", event: "endpoint" });
      stream.end();
      stream.send({ data: "late" });
      stream.end();
      await reader.ended;
      const expected = ':\n\nid: s.0\nretry: 500\ndata: \n\ndata: {"a":"ü\\n"}\n\nevent: endpoint\ndata: /messages\n\n';
      assert.equal(reader.text(), expected);
      assert.equal(stream.over.aborted, true);
    });

    test("a person has as many as allowed, others have theirs, and one that ended makes room", async (t) => {
      const host = await startStreamHost(t, name, { MCP_STREAMS_PER_SUBJECT: "2" });
      const [first] = [await host.open(), await host.open()];
      const refused = await host.open();
      assert.equal(refused.response.statusCode, 429);
      assert.equal(refused.response.headers["retry-after"], "5");
      await refused.ended;
      assert.match(refused.text(), /There are 2 open streams of yours here/);
      assert.equal((await host.open("bob")).response.statusCode, 200);
      host.streams[0]?.end();
      await first.ended;
      assert.equal((await host.open()).response.statusCode, 200);
      assert.equal((await host.open()).response.statusCode, 429);
    });

    test("a process has as many as allowed, and half of them are for people who signed in", async (t) => {
      const host = await startStreamHost(t, name, { MCP_STREAMS: "4" });
      const statuses = [];
      for (const subject of ["", "", "", "ann", "bob", "carol"]) statuses.push((await host.open(subject)).response.statusCode);
      assert.deepEqual(statuses, [200, 200, 429, 200, 200, 503]);
      for (const stream of host.streams) stream.end();
      for (let index = 0; index < 4; index++) assert.equal((await host.open(`p${index}`)).response.statusCode, 200);
    });

    test("gives a sign of life when it was quiet for the configured time", async (t) => {
      const clock = createClock();
      const host = await startStreamHost(t, name, {}, clock);
      const [quiet, busy] = [await host.open(), await host.open()];
      clock.advance(14 * SECOND);
      host.streams[1]?.send({ data: "1" });
      clock.advance(SECOND);
      await until(() => quiet.text() === ":\n\n:\n\n", "a heartbeat");
      assert.equal(busy.text(), ":\n\ndata: 1\n\n");
      clock.advance(15 * SECOND);
      await until(() => quiet.text() === ":\n\n:\n\n:\n\n", "the next heartbeat");
    });

    test("asks its owner to end it when its time is up, and ends by itself when nobody does", async (t) => {
      const clock = createClock();
      const host = await startStreamHost(t, name, {}, clock);
      const [polite, silent] = [await host.open(), await host.open()];
      const [first, second] = host.streams;
      assert.ok(first && second);
      first.ending.addEventListener("abort", () => {
        first.send({ data: "goodbye" });
        first.end();
      });
      clock.advance(26 * MINUTE);
      await host.open();
      assert.equal(first.ending.aborted, false);
      clock.advance(4 * MINUTE);
      await polite.ended;
      assert.match(polite.text(), /data: goodbye\n\n$/);
      await silent.ended;
      assert.equal(second.ending.aborted, true);
      assert.equal(second.over.aborted, true);
      assert.equal(host.streams[2]?.ending.aborted, false);
    });

    test("streams that were opened together do not end together", async (t) => {
      const clock = createClock();
      const host = await startStreamHost(t, name, {}, clock);
      for (let index = 0; index < 40; index++) await host.open();
      const over = () => host.streams.filter(({ ending }) => ending.aborted).length;
      clock.advance(28.5 * MINUTE);
      await until(() => over() > 0, "the first ones end");
      assert.ok(over() < 40);
      clock.advance(1.5 * MINUTE);
      await until(() => over() === 40, "all end");
    });

    test("when the service stops owners say goodbye, the rest ends within its grace, and one opened meanwhile ends too", async (t) => {
      const host = await startStreamHost(t, name);
      const [polite, silent] = [await host.open(), await host.open()];
      const [first] = host.streams;
      first?.ending.addEventListener("abort", () => {
        first.send({ data: "goodbye" });
        first.end();
      });
      const since = performance.now();
      host.service.stop();
      await polite.ended;
      assert.match(polite.text(), /data: goodbye\n\n$/);
      assert.ok(performance.now() - since < 500);
      const late = await host.open();
      assert.equal(host.streams[2]?.ending.aborted, true);
      await Promise.all([silent.ended, late.ended]);
      assert.ok(performance.now() - since < 1900);
    });

    test("a reader who does not read loses its stream, and nobody else does", async (t) => {
      const host = await startStreamHost(t, name, { MCP_STREAM_QUEUE: "20" });
      const reader = await host.open("bob");
      await host.openUnread("ann");
      await until(() => host.streams.length === 2, "the second stream");
      const [well, stuck] = host.streams;
      assert.ok(well && stuck);
      const data = "x".repeat(20_000);
      let sent = 0;
      for (; !stuck.over.aborted && sent < 5000; sent++) {
        stuck.send({ data });
        well.send({ data });
        await turn();
      }
      assert.equal(stuck.over.aborted, true);
      assert.equal(host.lines.length, 1);
      const [line] = host.lines;
      assert.equal(line?.message, "a stream ended: its reader is too slow");
      assert.equal(line?.fields["subject"], "ann");
      assert.ok(Number(line?.fields["waiting"]) > 20);
      well.end();
      await reader.ended;
      assert.equal(reader.text().length, 3 + sent * (data.length + 8));
    });

    test("a reader who does not read is bound by bytes too", async (t) => {
      const host = await startStreamHost(t, name, { MCP_STREAM_QUEUE: "100000" });
      await host.openUnread("ann");
      await until(() => host.streams.length === 1, "the stream");
      const stream = only(host.streams);
      for (let index = 0; index < 500 && !stream.over.aborted; index++) {
        stream.send({ data: "x".repeat(200_000) });
        await turn();
      }
      await until(() => stream.over.aborted, "the stream ends");
      assert.ok(Number(host.lines[0]?.fields["bytes"]) > 4 * 1024 * 1024);
    });

    test("whoever reads gets a thousand events of one moment, and one of any size", async (t) => {
      const host = await startStreamHost(t, name, { MCP_STREAM_QUEUE: "20" });
      const reader = await host.open();
      const stream = only(host.streams);
      for (let index = 0; index < 1000; index++) stream.send({ data: String(index) });
      await until(() => reader.text().endsWith("data: 999\n\n"), "all events");
      const large = "x".repeat(8_000_000);
      stream.send({ data: large });
      stream.send({ data: "after" });
      await until(() => reader.text().endsWith("data: after\n\n"), "what comes after the large one");
      assert.ok(reader.text().includes(large));
      assert.deepEqual(host.lines, []);
    });
  });
}

test("a client that leaves ends its stream on plain Node and makes room", async (t) => {
  const host = await startStreamHost(t, "plain Node", { MCP_STREAMS_PER_SUBJECT: "1" });
  const reader = await host.open();
  reader.leave();
  await until(() => only(host.streams).over.aborted, "the stream is over");
  assert.equal(only(host.streams).ending.aborted, false);
  assert.equal((await host.open()).response.statusCode, 200);
});

test("a client that leaves unnoticed, as under Encore, makes room when its stream's time is up", async (t) => {
  const clock = createClock();
  const host = await startStreamHost(t, "Encore's request classes", { MCP_STREAMS_PER_SUBJECT: "1" }, clock);
  const reader = await host.open();
  reader.leave();
  await reader.ended;
  only(host.streams).send({ data: "into the void" });
  clock.advance(30 * MINUTE);
  await until(() => only(host.streams).over.aborted, "the stream is over");
  assert.equal((await host.open()).response.statusCode, 200);
});

test("a reader who takes nothing more does not hold its connection after the end", async (t) => {
  const clock = createClock();
  const host = await startStreamHost(t, "plain Node", {}, clock);
  await host.openUnread("ann");
  await until(() => host.streams.length === 1, "the stream");
  const stream = only(host.streams);
  stream.send({ data: "x".repeat(20_000_000) });
  stream.end();
  clock.advance(9 * SECOND);
  // A reader who is only slow still has time.
  await host.open();
  assert.equal(await host.connections(), 2);
  clock.advance(SECOND);
  const end = performance.now() + 5000;
  while ((await host.connections()) > 1) {
    assert.ok(performance.now() < end, "the connection stays");
    await turn();
  }
});

function only(streams: readonly EventStream[]): EventStream {
  assert.equal(streams.length, 1);
  return streams[0] as EventStream;
}
