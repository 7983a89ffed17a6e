// The daemon's own address: typed Connect clients, grpc-js, and buf curl with nothing but reflection.
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { credentials, loadPackageDefinition, Metadata, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Daemon, startDaemon } from "../../services/daemon/start-daemon.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../services/gen/grpc/health/v1/health_pb.js";
import { ServerReflection, type ServerReflectionRequest } from "../../services/gen/grpc/reflection/v1/reflection_pb.js";
import { MutationService } from "../../services/gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { ServiceAction } from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { file_systemsmanager_telemetry_v1_system } from "../../services/gen/systemsmanager/telemetry/v1/system_pb.js";
import { TelemetryService } from "../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { EventKind } from "../../services/gen/systemsmanager/trace/v1/event_pb.js";
import { TraceService } from "../../services/gen/systemsmanager/trace/v1/trace_service_pb.js";
import { generateSigningKey } from "../../services/identity/signing-key.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { waitFor } from "../shared/wait-for.js";
import { simulatedProvider } from "./simulated-provider.js";
import { openTestPath, type TestPath, testLog } from "./test-path.js";

const token = "the token";
const authorization = `Bearer ${token}`;
const root = findPackageRoot().pathname;

let path: TestPath;
let daemon: Daemon;
let url: string;
let asked = 0;
let aborted = 0;

beforeAll(async () => {
  path = await openTestPath();
  const provider = simulatedProvider("direct", {
    manageService: async (request: { name: string; dryRun: boolean }) => ({
      changes: [{ subject: request.name }],
      dryRun: request.dryRun,
    }),
    listProcesses: (_, { signal }) => {
      asked++;
      return new Promise(() => signal.addEventListener("abort", () => aborted++));
    },
    listKernelModules: async () => {
      throw new Error("a fault");
    },
  });
  daemon = await startDaemon({
    provider,
    relayUrls: [],
    fleetId: "test",
    verifyingKey: generateSigningKey().verifyingKey,
    stateDirectory: path.makeDirectory(),
    listen: { host: "127.0.0.1", port: 0, token },
    log: testLog,
  });
  url = daemon.directUrl as string;
});

afterAll(async () => {
  await daemon.close();
  await path.close();
});

function transport(header: string | undefined = authorization) {
  return createGrpcTransport({
    baseUrl: url,
    interceptors: [
      (next) => (request) => {
        if (header) request.header.set("authorization", header);
        return next(request);
      },
    ],
  });
}

async function reasonOf(promise: Promise<unknown>): Promise<ErrorReason> {
  return promise.then(
    () => ErrorReason.UNSPECIFIED,
    (error) => errorDetailOf(error).reason,
  );
}

describe("a typed client", () => {
  test("reads", async () => {
    const response = await createClient(TelemetryService, transport()).getSystemSnapshot({});
    expect(response.os?.hostname).toBe("direct");
  });

  test("gets dry runs, and PLAN_REQUIRED for a change", async () => {
    const client = createClient(MutationService, transport());
    const request = { name: "a.service", action: ServiceAction.STOP };
    expect((await client.manageService({ ...request, dryRun: true })).changes[0]?.subject).toBe("a.service");
    expect(await reasonOf(client.manageService(request))).toBe(ErrorReason.PLAN_REQUIRED);
  });

  test.each([
    ["", ErrorReason.UNAUTHENTICATED],
    ["Bearer wrong", ErrorReason.UNAUTHENTICATED],
    [token, ErrorReason.UNAUTHENTICATED],
  ])("with authorization %j is refused", async (header, reason) => {
    const client = createClient(TelemetryService, transport(header));
    expect(await reasonOf(client.getSystemSnapshot({}))).toBe(reason);
  });

  test("is told which rule its request breaks", async () => {
    const client = createClient(MutationService, transport());
    expect(await reasonOf(client.manageService({ name: "/", dryRun: true }))).toBe(ErrorReason.INVALID_ARGUMENT);
  });

  test("that goes away, or whose deadline passes, aborts the handler", async () => {
    const client = createClient(TelemetryService, transport());
    // Long enough for the call to reach its handler.
    expect(await reasonOf(client.listProcesses({}, { timeoutMs: 1_000 }))).toBe(ErrorReason.DEADLINE_EXCEEDED);
    await waitFor(() => aborted === 1, "the end of the one whose deadline passed");
    const going = new AbortController();
    const gone = reasonOf(client.listProcesses({}, { signal: going.signal }));
    await waitFor(() => asked === 2, "the second handler");
    going.abort();
    await gone;
    await waitFor(() => aborted === 2, "the end of the one whose client went away");
  });

  test("is told that a host without a kernel of its own has no events", async () => {
    const request = { kinds: [EventKind.EXEC], duration: { seconds: 1n, nanos: 0 } };
    const responses = createClient(TraceService, transport()).traceEvents(request)[Symbol.asyncIterator]();
    expect(await reasonOf(responses.next())).toBe(ErrorReason.UNSUPPORTED);
  });

  test("sees a fault of a handler as an error, and the daemon goes on", async () => {
    const client = createClient(TelemetryService, transport());
    expect(await reasonOf(client.listKernelModules({}))).toBe(ErrorReason.INTERNAL);
    expect((await client.getSystemSnapshot({})).os?.hostname).toBe("direct");
  });
});

describe("health, without a credential", () => {
  test.each(["", TelemetryService.typeName, MutationService.typeName, TraceService.typeName])(
    "%j serves",
    async (service) => {
      expect((await createClient(Health, transport("")).check({ service })).status).toBe(Status.SERVING);
    },
  );

  test("an unknown service is NOT_FOUND in Check and SERVICE_UNKNOWN in Watch", async () => {
    const client = createClient(Health, transport(""));
    await expect(client.check({ service: "nothing" })).rejects.toThrow(/\[not_found\].*nothing/);
    for await (const { status: first } of client.watch({ service: "nothing" })) {
      expect(first).toBe(Status.SERVICE_UNKNOWN);
      break;
    }
  });

  test("List names all", async () => {
    const { statuses } = await createClient(Health, transport("")).list({});
    expect(Object.keys(statuses).sort()).toEqual([
      "",
      MutationService.typeName,
      TelemetryService.typeName,
      TraceService.typeName,
    ]);
  });
});

describe("reflection, without a credential", () => {
  async function askReflection(question: Parameters<typeof questions>[0]) {
    const client = createClient(ServerReflection, transport(""));
    for await (const { messageResponse } of client.serverReflectionInfo(questions(question))) return messageResponse;
    throw new Error("no answer");
  }

  test("lists the services", async () => {
    const answer = await askReflection({ case: "listServices", value: "" });
    expect(answer.case === "listServicesResponse" && answer.value.service.map(({ name }) => name).sort()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      MutationService.typeName,
      TelemetryService.typeName,
      TraceService.typeName,
    ]);
  });

  test.each([
    ["fileByFilename", "systemsmanager/telemetry/v1/system.proto"],
    ["fileContainingSymbol", "systemsmanager.telemetry.v1.GetSystemSnapshotResponse"],
    ["fileContainingSymbol", "systemsmanager.telemetry.v1.GetSystemSnapshotResponse.os"],
  ] as const)("%s %s gives the file and what it imports", async (kind, value) => {
    const answer = await askReflection({ case: kind, value });
    const files = answer.case === "fileDescriptorResponse" ? answer.value.fileDescriptorProto : [];
    const expected = toBinary(FileDescriptorProtoSchema, file_systemsmanager_telemetry_v1_system.proto);
    expect(Buffer.from(files[0] ?? []).equals(expected)).toBe(true);
    expect(files.length).toBeGreaterThanOrEqual(4);
  });

  test("knows the extensions of options", async () => {
    const containingType = "google.protobuf.MethodOptions";
    const all = await askReflection({ case: "allExtensionNumbersOfType", value: containingType });
    expect(all.case === "allExtensionNumbersResponse" && all.value.extensionNumber).toEqual([51001]);
    const value = { $typeName: "grpc.reflection.v1.ExtensionRequest", containingType, extensionNumber: 51001 } as const;
    expect((await askReflection({ case: "fileContainingExtension", value })).case).toBe("fileDescriptorResponse");
  });

  test.each([
    ["fileByFilename", "nothing.proto"],
    ["fileContainingSymbol", "nothing"],
    ["allExtensionNumbersOfType", "nothing"],
  ] as const)("%s %s is NOT_FOUND", async (kind, value) => {
    const answer = await askReflection({ case: kind, value });
    expect(answer.case === "errorResponse" && answer.value.errorCode).toBe(status.NOT_FOUND);
  });
});

describe("stock tools", () => {
  function load(file: string): any {
    return loadPackageDefinition(loadSync(file, { includeDirs: [`${root}/proto`], keepCase: true, enums: String }));
  }

  test("grpc-js checks health and calls an rpc of each service", async () => {
    const address = url.replace("http://", "");
    const health = new (load("grpc/health/v1/health.proto").grpc.health.v1.Health)(
      address,
      credentials.createInsecure(),
    );
    expect(await unary(health, "Check", {})).toEqual({ status: "SERVING" });
    const metadata = new Metadata();
    metadata.set("authorization", authorization);
    const { v1: telemetry } = load("systemsmanager/telemetry/v1/telemetry_service.proto").systemsmanager.telemetry;
    const reader = new telemetry.TelemetryService(address, credentials.createInsecure());
    expect(await unary(reader, "GetSystemSnapshot", {}, metadata)).toMatchObject({ os: { hostname: "direct" } });
    const { v1: mutation } = load("systemsmanager/mutation/v1/mutation_service.proto").systemsmanager.mutation;
    const changer = new mutation.MutationService(address, credentials.createInsecure());
    const request = { name: "a.service", action: "SERVICE_ACTION_STOP" };
    expect(await unary(changer, "ManageService", { ...request, dry_run: true }, metadata)).toMatchObject({
      dry_run: true,
    });
    await expect(unary(changer, "ManageService", request, metadata)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
    });
    await expect(unary(reader, "GetSystemSnapshot", {})).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    for (const client of [health, reader, changer]) client.close();
  });

  test.each(["grpc-v1", "grpc-v1alpha"])("buf curl lists, describes and calls through %s alone", async (reflection) => {
    const curl = (...args: string[]) => {
      const common = [
        "curl",
        "--http2-prior-knowledge",
        "--protocol",
        "grpc",
        "--reflect",
        "--reflect-protocol",
        reflection,
      ];
      return execa(`${root}/node_modules/.bin/buf`, [
        ...common,
        "--header",
        `authorization: ${authorization}`,
        ...args,
      ]);
    };
    expect((await curl("--list-services", url)).stdout.split("\n")).toContain(TelemetryService.typeName);
    expect((await curl("--list-methods", url)).stdout).toContain(`${MutationService.typeName}/ManageService`);
    const { stdout } = await curl("--data", "{}", `${url}/${TelemetryService.typeName}/GetSystemSnapshot`);
    expect(JSON.parse(stdout)).toMatchObject({ os: { hostname: "direct" } });
  });
});

async function* questions(messageRequest: Question) {
  yield { messageRequest };
}

type Question = ServerReflectionRequest["messageRequest"];

function unary(client: any, method: string, request: object, metadata = new Metadata()): Promise<object> {
  return new Promise((resolve, reject) => {
    client[method](request, metadata, (error: Error | null, response: object) =>
      error ? reject(error) : resolve(response),
    );
  });
}
