// grpc.reflection.v1 and v1alpha: the descriptors of a server's services, so that any gRPC tool can call them unprepared.
import {
  create,
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
  ServerReflection as V1,
} from "../gen/grpc/reflection/v1/reflection_pb.js";
import {
  ServerReflection as V1Alpha,
  ServerReflectionRequestSchema as V1AlphaRequestSchema,
  ServerReflectionResponseSchema as V1AlphaResponseSchema,
} from "../gen/grpc/reflection/v1alpha/reflection_pb.js";

type Question = ServerReflectionRequest["messageRequest"];
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** Adds both versions of server reflection over these services, health and reflection itself. */
export function addReflection(router: ConnectRouter, services: readonly DescService[]): void {
  const answer = answerFrom([...services, Health, V1, V1Alpha]);
  router.service(V1, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield respond(request, answer);
    },
  });
  router.service(V1Alpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        // Both versions are the same on the wire.
        const current = fromBinary(ServerReflectionRequestSchema, toBinary(V1AlphaRequestSchema, request));
        const response = respond(current, answer);
        yield fromBinary(V1AlphaResponseSchema, toBinary(ServerReflectionResponseSchema, response));
      }
    },
  });
}

function respond(request: ServerReflectionRequest, answer: (question: Question) => Answer): ServerReflectionResponse {
  return create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(request.messageRequest),
  });
}

function answerFrom(services: readonly DescService[]): (question: Question) => Answer {
  const files = withDependencies(services.map((service) => service.file));
  const registry = createRegistry(...files);
  return (question) => {
    switch (question.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case "fileByFilename":
        return fileAnswer(
          files.find((file) => `${file.name}.proto` === question.value),
          question.value,
        );
      case "fileContainingSymbol":
        return fileAnswer(fileOfSymbol(registry, question.value), question.value);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const extension = extensionsOf(registry, containingType).find(({ number }) => number === extensionNumber);
        return fileAnswer(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case "allExtensionNumbersOfType": {
        if (!registry.getMessage(question.value)) return refused(Code.NotFound, `nothing is named ${question.value}`);
        const extensionNumber = extensionsOf(registry, question.value).map(({ number }) => number);
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } };
      }
      default:
        return refused(Code.InvalidArgument, "the request asks for nothing");
    }
  };
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (!file) return refused(Code.NotFound, `nothing is named ${asked}`);
  const encoded = withDependencies([file]).map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: encoded } };
}

function refused(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

// Methods, fields and enum values lie in the file of what declares them.
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  const declared = registry.get(symbol) ?? registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf("."))));
  return declared?.file;
}

function extensionsOf(registry: Registry, extendee: string): DescExtension[] {
  return [...registry]
    .filter((type) => type.kind === "extension")
    .filter((type) => type.extendee.typeName === extendee);
}

// The files given first, then everything that they import, each once.
function withDependencies(files: readonly DescFile[]): DescFile[] {
  const found = new Set(files);
  for (const file of found) {
    for (const dependency of file.dependencies) found.add(dependency);
  }
  return [...found];
}
