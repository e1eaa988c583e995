/**
 * Server reflection: what is served, for tools that bring no definitions of their own.
 *
 * @module
 */
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import type { Services } from "../exchange.ts";
import { streaming } from "./call.ts";
import { Health } from "./generated/grpc/health/v1/health_pb.js";
import {
  ServerReflection,
  type ServerReflectionRequest,
} from "./generated/grpc/reflection/v1/reflection_pb.js";
import {
  ServerReflection as OlderReflection,
  type ServerReflectionRequest as OlderRequest,
} from "./generated/grpc/reflection/v1alpha/reflection_pb.js";
import { IngestionService } from "./generated/seglog/v1/ingestion_service_pb.js";
import { KvService } from "./generated/seglog/v1/kv_service_pb.js";
import { LogService } from "./generated/seglog/v1/log_service_pb.js";
import { file_seglog_v1_problem } from "./generated/seglog/v1/problem_pb.js";

const SERVICES: readonly DescService[] = [
  LogService,
  IngestionService,
  KvService,
  Health,
  ServerReflection,
  OlderReflection,
];

/** The question, as both versions ask it: their messages differ in name only. */
type Question = ServerReflectionRequest | OlderRequest;

/** Adds reflection, under both of its names. */
export function addReflection(router: ConnectRouter, services: Services): void {
  router.service(ServerReflection, {
    serverReflectionInfo: streaming(services, answers<ServerReflectionRequest>),
  });
  router.service(OlderReflection, {
    serverReflectionInfo: streaming(services, answers<OlderRequest>),
  });
}

/** Answers each question, in their order. */
async function* answers<Asked extends Question>(questions: AsyncIterable<Asked>) {
  for await (const question of questions) {
    yield {
      validHost: question.host,
      originalRequest: question,
      messageResponse: answerTo(question),
    };
  }
}

function answerTo({ messageRequest: { case: kind, value } }: Question) {
  switch (kind) {
    case "listServices":
      return {
        case: "listServicesResponse" as const,
        value: { service: SERVICES.map(({ typeName }) => ({ name: typeName })) },
      };
    case "fileByFilename":
      return filesOf(FILES.get(value), value);
    case "fileContainingSymbol":
      return filesOf(SYMBOLS.get(value), value);
    case "fileContainingExtension":
      return notFound(`an extension of ${value.containingType}`);
    case "allExtensionNumbersOfType":
      if (!SYMBOLS.has(value)) return notFound(value);
      return {
        case: "allExtensionNumbersResponse" as const,
        value: { baseTypeName: value, extensionNumber: [] },
      };
    default:
      return {
        case: "errorResponse" as const,
        value: { errorCode: Code.InvalidArgument, errorMessage: "Cannot answer: nothing is asked" },
      };
  }
}

/** A file with all that it imports, so that one question is enough. */
function filesOf(file: DescFile | undefined, asked: string) {
  if (file === undefined) return notFound(asked);
  const needed = withImports(file);
  return {
    case: "fileDescriptorResponse" as const,
    value: {
      fileDescriptorProto: needed.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)),
    },
  };
}

function notFound(what: string) {
  const errorMessage = `Cannot find ${JSON.stringify(what.slice(0, 200))}: it is not served here`;
  return { case: "errorResponse" as const, value: { errorCode: Code.NotFound, errorMessage } };
}

function withImports(file: DescFile, seen = new Set<DescFile>()): DescFile[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return [file, ...file.dependencies.flatMap((other) => withImports(other, seen))];
}

/** All files by name: `seglog/v1/log_service.proto`. */
const FILES: ReadonlyMap<string, DescFile> = new Map(
  [...SERVICES.map(({ file }) => file), file_seglog_v1_problem]
    .flatMap((file) => withImports(file))
    .map((file) => [file.proto.name, file]),
);

/** The file of each symbol, nested ones and methods included. */
const SYMBOLS: ReadonlyMap<string, DescFile> = new Map(
  [...FILES.values()].flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file] as const)),
);

function symbolsOf(file: DescFile): string[] {
  const messages = [...file.messages];
  for (const message of messages) messages.push(...message.nestedMessages);
  const enums = [...file.enums, ...messages.flatMap(({ nestedEnums }) => nestedEnums)];
  return [
    ...messages.flatMap(({ typeName, fields }) => [
      typeName,
      ...fields.map(({ name }) => `${typeName}.${name}`),
    ]),
    ...enums.map(({ typeName }) => typeName),
    ...file.services.flatMap(({ typeName, methods }) => [
      typeName,
      ...methods.map(({ name }) => `${typeName}.${name}`),
    ]),
  ];
}
