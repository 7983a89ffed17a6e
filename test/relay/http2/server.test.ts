// The relay's own HTTP/2 server: what RFC 9113 asks of it, and what hostile peers try.
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeFrame } from "../../../services/shared/grpc-frames.js";
import {
  encodeHttp2Frame,
  encodeNumberFrame,
  encodeSettings,
  errorCode,
  frameFlag,
  frameType,
  setting,
} from "../../../services/shared/http2/frames.js";
import { encodeHeaderBlock } from "../../../services/shared/http2/hpack-encoder.js";
import { hostIdOf } from "../../daemon/simulated-provider.js";
import { openTestPath, type TestPath } from "../../daemon/test-path.js";
import { waitFor } from "../../shared/wait-for.js";
import { attachPath, encodeRequest, helloOf, openRawClient } from "../raw-client.js";
import { snapshotMethod } from "../simulated-fleet.js";
import { attachHeaders, emptySettings, openRawPeer, preface } from "./raw-peer.js";

let path: TestPath;

beforeEach(async () => {
  path = await openTestPath();
});

afterEach(async () => {
  // Whatever a peer did, the next one is served.
  const client = openRawClient(path.relay.url);
  client.send(helloOf("next") as never);
  await waitFor(() => client.received[0]?.message.case === "welcome", "the welcome");
  client.close();
  await path.close();
});

const endHeaders = frameFlag.endHeaders;
const headers = (streamId: number, block: Uint8Array = attachHeaders, flags: number = endHeaders) =>
  encodeHttp2Frame(frameType.headers, flags, streamId, block);
const data = (streamId: number, payload: Uint8Array, flags = 0) =>
  encodeHttp2Frame(frameType.data, flags, streamId, payload);
const hello = encodeFrame(encodeRequest(helloOf("raw") as never));
const opening = Buffer.concat([preface, emptySettings]);

describe("a connection is ended for", () => {
  const { protocolError, frameSizeError, flowControlError, compressionError, enhanceYourCalm } = errorCode;
  const ping = (bytes: number) => encodeHttp2Frame(frameType.ping, 0, 0, Buffer.alloc(bytes));
  const manyResets = Array.from({ length: 1_100 }, (_, index) => [
    headers(2 * index + 1),
    encodeNumberFrame(frameType.resetStream, 2 * index + 1, errorCode.cancel),
  ]).flat();
  const endlessHeaders = [
    headers(1, Buffer.alloc(16_000), 0),
    encodeHttp2Frame(frameType.continuation, 0, 1, Buffer.alloc(16_000)),
  ];
  const emptyContinuations = Array.from({ length: 100 }, () => encodeHttp2Frame(frameType.continuation, 0, 1));

  test.each<[string, Uint8Array[], number]>([
    ["HTTP/1.1", [Buffer.from("GET / HTTP/1.1\r\nHost: relay\r\n\r\n")], protocolError],
    ["no settings at first", [preface, ping(8)], protocolError],
    ["a frame of 16 MiB announced", [opening, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])], frameSizeError],
    ["headers on stream 0", [opening, headers(0)], protocolError],
    ["headers on an even stream", [opening, headers(2)], protocolError],
    ["data on a stream that was never opened", [opening, data(5, Buffer.alloc(1))], protocolError],
    ["a header block that is interrupted", [opening, headers(1, attachHeaders, 0), ping(8)], protocolError],
    ["a header block that nobody began", [opening, encodeHttp2Frame(frameType.continuation, 4, 1)], protocolError],
    ["a header block without end", [opening, ...endlessHeaders], enhanceYourCalm],
    [
      "a header block of nothing, for ever",
      [opening, headers(1, Buffer.alloc(0), 0), ...emptyContinuations],
      enhanceYourCalm,
    ],
    ["a header block that is no HPACK", [opening, headers(1, Buffer.from([0x80]))], compressionError],
    [
      "a frame that is all padding",
      [opening, headers(1), data(1, Buffer.from([9, 0]), frameFlag.padded)],
      protocolError,
    ],
    ["a ping of seven bytes", [opening, ping(7)], frameSizeError],
    ["settings of seven bytes", [opening, encodeHttp2Frame(frameType.settings, 0, 0, Buffer.alloc(7))], frameSizeError],
    ["a window that grows by nothing", [opening, encodeNumberFrame(frameType.windowUpdate, 0, 0)], protocolError],
    [
      "a window that grows too large",
      [opening, encodeNumberFrame(frameType.windowUpdate, 0, 0x7fff_ffff)],
      flowControlError,
    ],
    [
      "an initial window that is too large",
      [preface, encodeSettings(new Map([[setting.initialWindowSize, 0x8000_0000]]))],
      flowControlError,
    ],
    ["a pushed promise", [opening, encodeHttp2Frame(frameType.pushPromise, 4, 1, Buffer.alloc(4))], protocolError],
    ["streams opened and taken back without end", [opening, ...manyResets], enhanceYourCalm],
  ])("%s", async (_, bytes, code) => {
    const peer = await openRawPeer(path.relay.url);
    peer.write(...bytes);
    const goAway = await peer.frame(frameType.goAway);
    expect(goAway.payload.readUInt32BE(4)).toBe(code);
    await peer.closed;
  });

  test("property: random frames, and the others are served on", async () => {
    const frame = fc.record({
      type: fc.nat(12),
      flags: fc.nat(255),
      streamId: fc.constantFrom(0, 1, 3, 2),
      payload: fc.uint8Array({ maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async (frames) => {
        const peer = await openRawPeer(path.relay.url);
        const bytes = frames.map(({ type, flags, streamId, payload }) =>
          encodeHttp2Frame(type, flags, streamId, payload),
        );
        peer.write(opening, headers(1), ...bytes);
        await peer.frame(frameType.settings);
        peer.socket.destroy();
        await peer.closed;
      }),
      { numRuns: 60 },
    );
  });
});

test("a ping is answered, settings are acknowledged, and unknown frames are passed over", async () => {
  const peer = await openRawPeer(path.relay.url);
  peer.write(
    opening,
    encodeHttp2Frame(0x42, 0xff, 7, Buffer.alloc(3)),
    encodeHttp2Frame(frameType.priority, 0, 1, Buffer.alloc(5)),
  );
  peer.write(encodeHttp2Frame(frameType.ping, 0, 0, Buffer.from("12345678")));
  const answer = await peer.frame(frameType.ping);
  expect([answer.flags, answer.payload.toString()]).toEqual([frameFlag.ack, "12345678"]);
  expect(peer.frames.some(({ type, flags }) => type === frameType.settings && flags === frameFlag.ack)).toBe(true);
  peer.socket.destroy();
});

test("padded data and headers in two parts with a priority are read", async () => {
  const peer = await openRawPeer(path.relay.url);
  const block = Buffer.concat([Buffer.of(2), Buffer.alloc(5), attachHeaders.subarray(0, 20), Buffer.alloc(2)]);
  peer.write(opening, headers(1, block, frameFlag.padded | frameFlag.priority));
  peer.write(encodeHttp2Frame(frameType.continuation, endHeaders, 1, attachHeaders.subarray(20)));
  peer.write(data(1, Buffer.concat([Buffer.of(4), hello, Buffer.alloc(4)]), frameFlag.padded));
  await path.fleet.presenceOf(hostIdOf("raw"), true);
  peer.socket.destroy();
  await path.fleet.presenceOf(hostIdOf("raw"), false);
});

test("a peer that gives room byte by byte gets the whole command", async () => {
  const peer = await openRawPeer(path.relay.url);
  const noRoom = encodeSettings(new Map([[setting.initialWindowSize, 0]]));
  peer.write(preface, noRoom, headers(1), data(1, hello));
  await path.fleet.presenceOf(hostIdOf("raw"), true);
  await path.fleet.send([hostIdOf("raw")], { method: snapshotMethod, request: new Uint8Array(40_000) });
  await sleep(50);
  const received = () => peer.frames.filter(({ type }) => type === frameType.data);
  expect(received()).toEqual([]);
  const bytes = () => received().reduce((sum, { payload }) => sum + payload.length, 0);
  peer.write(...[1, 4, 100, 20_000].map((more) => encodeNumberFrame(frameType.windowUpdate, 1, more)));
  await waitFor(() => bytes() === 20_105, "what there was room for");
  peer.write(encodeNumberFrame(frameType.windowUpdate, 1, 60_000));
  await waitFor(() => bytes() > 40_000, "the rest");
  expect(Math.max(...received().map(({ payload }) => payload.length))).toBeLessThanOrEqual(16_384);
  peer.socket.destroy();
});

test("a 17th stream of one connection is refused, the others go on", async () => {
  const peer = await openRawPeer(path.relay.url);
  peer.write(opening, ...Array.from({ length: 17 }, (_, index) => headers(2 * index + 1)));
  const reset = await peer.frame(frameType.resetStream);
  expect([reset.streamId, reset.payload.readUInt32BE(0)]).toEqual([33, errorCode.refusedStream]);
  peer.socket.destroy();
});

test("requests that another protocol might send are answered, not attached", async () => {
  const peer = await openRawPeer(path.relay.url);
  const get = encodeHeaderBlock([
    [":method", "GET"],
    [":path", attachPath],
  ]);
  peer.write(opening, headers(1, get, endHeaders | frameFlag.endStream));
  const answer = await peer.frame(frameType.headers);
  expect(answer.flags & frameFlag.endStream).toBe(frameFlag.endStream);
  expect(answer.payload.includes("404")).toBe(true);
  peer.socket.destroy();
});

test("a relay that closes says GOAWAY, and cuts who stays", async () => {
  const relay = await path.startRelay({ drainMs: 50 });
  const peer = await openRawPeer(relay.url);
  peer.write(opening, headers(1), data(1, hello));
  await peer.frame(frameType.data);
  const closed = relay.close();
  expect((await peer.frame(frameType.goAway)).payload.readUInt32BE(4)).toBe(errorCode.noError);
  await peer.closed;
  await closed;
});
