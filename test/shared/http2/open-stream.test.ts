// A client's stream beside servers of others: Node's own, and peers that say any bytes a test wants.
import { once } from "node:events";
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { closeStream, type Http2Stream } from "../../../services/shared/http2/connection.js";
import {
  encodeGoAway,
  encodeHttp2Frame,
  encodeNumberFrame,
  errorCode,
  frameFlag,
  frameType,
} from "../../../services/shared/http2/frames.js";
import { encodeHeaderBlock } from "../../../services/shared/http2/hpack-encoder.js";
import { openStream } from "../../../services/shared/http2/open-stream.js";
import { createOutgoingData } from "../../../services/shared/http2/outgoing-data.js";
import { setReading } from "../../../services/shared/http2/receive.js";
import { endStream, sendData } from "../../../services/shared/http2/send.js";
import { waitFor } from "../wait-for.js";

interface Opened {
  readonly stream: Http2Stream;
  readonly headers: ReadonlyMap<string, string>[];
  readonly received: () => Buffer;
  readonly ended: () => boolean;
  /** Resolves with the error, if there was one, when the stream is closed and the socket too. */
  readonly closed: Promise<unknown>;
}

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
});

async function listen<Listener extends Server>(server: Listener): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function serveHttp2(onStream: (stream: ServerHttp2Stream) => void, settings = {}): Promise<number> {
  const server = createHttp2Server({ settings });
  server.on("stream", onStream);
  return listen(server as Http2Server & Server);
}

/** A server that says these bytes once it was spoken to. */
function serveBytes(...bytes: Uint8Array[]): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(Buffer.concat(bytes)));
  });
  return listen(server);
}

function open(port: number): Opened {
  const socket = connect(port, "127.0.0.1");
  const headers: ReadonlyMap<string, string>[] = [];
  const chunks: Buffer[] = [];
  let reason: unknown;
  let ended = false;
  const closed = new Promise<unknown>((resolve) => socket.once("close", () => setImmediate(() => resolve(reason))));
  const stream = openStream({
    socket,
    readyEvent: "connect",
    headerBlock: encodeHeaderBlock([
      [":method", "POST"],
      [":scheme", "http"],
      [":authority", `127.0.0.1:${port}`],
      [":path", "/echo"],
    ]),
    events: {
      onHeaders: (fields) => void headers.push(fields),
      onData: (chunk) => void chunks.push(Buffer.from(chunk)),
      onEnd() {
        ended = true;
        closeStream(stream);
      },
      onClose(error) {
        reason = error;
        socket.destroySoon();
      },
    },
  });
  return { stream, headers, received: () => Buffer.concat(chunks), ended: () => ended, closed };
}

const patternOf = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => index % 251));

test.each([
  ["a server's usual windows", {}],
  ["windows of a hundred bytes", { initialWindowSize: 100 }],
  ["no header table", { headerTableSize: 0 }],
  ["frames of a megabyte", { maxFrameSize: 1024 * 1024 }],
])("with %s, three megabytes go up and come down again, then headers as trailers", async (_, settings) => {
  const size = "initialWindowSize" in settings ? 20_000 : 3 * 1024 * 1024;
  const port = await serveHttp2((stream) => {
    stream.respond({ ":status": 200, "x-words": "some that repeat, some that repeat" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-words": "some that repeat" }));
    stream.pipe(stream);
  }, settings);
  const opened = open(port);
  const sent = patternOf(size);
  sendData(opened.stream, createOutgoingData(sent.subarray(0, size / 2)));
  sendData(opened.stream, createOutgoingData(sent.subarray(size / 2)));
  endStream(opened.stream);
  expect(await opened.closed).toBeUndefined();
  expect(opened.ended()).toBe(true);
  expect(opened.received().equals(sent)).toBe(true);
  expect(opened.headers.map((fields) => fields.get(":status") ?? fields.get("grpc-status"))).toEqual(["200", "0"]);
  expect(opened.headers[0]?.get("x-words")).toBe("some that repeat, some that repeat");
});

test("what is said before the connection is there leaves when it is", async () => {
  const got: string[] = [];
  const port = await serveHttp2((stream) => {
    stream.respond({ ":status": 200 });
    stream.on("data", (chunk) => got.push(String(chunk)));
    stream.on("error", () => undefined);
  });
  const opened = open(port);
  sendData(opened.stream, createOutgoingData(Buffer.from("hello")));
  expect(opened.stream.pendingBytes).toBe(5);
  await waitFor(() => got.join("") === "hello", "the bytes");
  expect(opened.stream.pendingBytes).toBe(0);
  opened.stream.connection.socket.destroy();
  expect(String(await opened.closed)).toMatch("the connection was closed");
});

test("a reader that does not read holds no more than the window, and gets all of it later", async () => {
  const size = 5 * 1024 * 1024;
  const port = await serveHttp2((stream) => {
    stream.respond({ ":status": 200 });
    stream.end(patternOf(size));
  });
  const opened = open(port);
  setReading(opened.stream, false);
  await waitFor(() => opened.stream.heldBytes >= 1024 * 1024, "a full window");
  expect(opened.stream.heldBytes).toBe(1024 * 1024);
  setReading(opened.stream, true);
  expect(await opened.closed).toBeUndefined();
  expect(opened.received().equals(patternOf(size))).toBe(true);
});

test("steps on the way to a response are passed over", async () => {
  const port = await serveHttp2((stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</style.css>; rel=preload" });
    stream.respond({ ":status": 404 }, { endStream: true });
  });
  const opened = open(port);
  expect(await opened.closed).toBeUndefined();
  expect(opened.headers.map((fields) => fields.get(":status"))).toEqual(["404"]);
});

const settings = encodeHttp2Frame(frameType.settings, 0, 0);
const response = (streamId: number, flags: number = frameFlag.endHeaders) =>
  encodeHttp2Frame(frameType.headers, flags, streamId, encodeHeaderBlock([[":status", "200"]]));
const data = (bytes: number) => encodeHttp2Frame(frameType.data, 0, 1, Buffer.alloc(bytes));

test.each<[string, Uint8Array[], RegExp]>([
  ["HTTP/1.1", [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")], /a frame of \d+ bytes was announced/],
  ["headers before settings", [response(1)], /settings must come first/],
  ["headers on a stream that nobody opened", [settings, response(3)], /headers came on stream 3/],
  ["headers in the middle", [settings, response(1), response(1)], /in the middle of a stream/],
  ["a push", [settings, encodeHttp2Frame(frameType.pushPromise, 4, 1, Buffer.alloc(8))], /nothing may be pushed/],
  ["data of a stream that nobody opened", [settings, encodeHttp2Frame(frameType.data, 0, 5)], /stream 5/],
  ["no header block", [settings, encodeHttp2Frame(frameType.headers, 4, 1, Buffer.of(0xff))], /cannot be read/],
  ["a reset", [settings, encodeNumberFrame(frameType.resetStream, 1, errorCode.internalError)], /HTTP\/2 error 2/],
  ["a short GOAWAY", [settings, encodeHttp2Frame(frameType.goAway, 0, 0, Buffer.alloc(4))], /GOAWAY of 4 bytes/],
  [
    "a GOAWAY with a reason",
    [settings, encodeGoAway(0, errorCode.enhanceYourCalm, "too many of you")],
    /HTTP\/2 error 11: too many of you/,
  ],
  [
    "more data than has room",
    [settings, response(1), ...Array.from({ length: 140 }, () => data(16_000))],
    /more data came than had room/,
  ],
])("%s ends the stream, and says why", async (name, bytes, reason) => {
  const opened = open(await serveBytes(...bytes));
  if (name === "more data than has room") setReading(opened.stream, false);
  expect(String(await opened.closed)).toMatch(reason);
});

test("a GOAWAY without a reason lets the stream go on to its end", async () => {
  const goAway = encodeGoAway(1, errorCode.noError, "the server stops");
  const opened = open(await serveBytes(settings, goAway, response(1), data(3), response(1, 5)));
  expect(await opened.closed).toBeUndefined();
  expect(opened.received()).toHaveLength(3);
});

test("property: whatever a server says, the stream ends or goes on, and nothing is thrown past it", async () => {
  const frame = fc
    .record({
      type: fc.nat({ max: 12 }),
      flags: fc.nat({ max: 255 }),
      streamId: fc.constantFrom(0, 1, 1, 1, 2, 3),
      payload: fc.uint8Array({ maxLength: 60 }),
    })
    .map(({ type, flags, streamId, payload }) => encodeHttp2Frame(type, flags, streamId, payload));
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(frame, { maxLength: 12 }), async (isPolite, frames) => {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => socket.end(Buffer.concat([...(isPolite ? [settings] : []), ...frames])));
      });
      const opened = open(await listen(server));
      await opened.closed;
      expect(opened.stream.connection.streams.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});
