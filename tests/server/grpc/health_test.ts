/** Health and reflection, as tools of gRPC ask for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { all, grpcJs, type Loose, openGrpc } from "./support.ts";

const HEALTH = "grpc.health.v1.Health";

test("health is told of the server, of each service, and of none that is not there", async () => {
  await using opened = await openGrpc();
  using health = grpcJs(opened.port, HEALTH);
  for (const service of ["", "seglog.v1.LogService", "seglog.v1.KvService", HEALTH]) {
    assert.deepEqual(await health.call("Check", { service }), { status: 1 });
  }
  const unknown = await health.call("Check", { service: "x" }).catch((error) => error);
  assert.equal(unknown.code, status.NOT_FOUND);
  const { statuses } = await health.call("List", {});
  assert.deepEqual(statuses["seglog.v1.LogService"], { status: 1 });
});

test("whoever watches the health learns that the server stops, before the connection ends", async () => {
  await using opened = await openGrpc();
  using health = grpcJs(opened.port, HEALTH);
  const watch = health.open("Watch", { service: "" });
  const unknown = health.open("Watch", { service: "x" });
  unknown.on("error", () => {});
  const told = watch[Symbol.asyncIterator]();
  assert.deepEqual((await told.next()).value, { status: 1 });
  const first = await new Promise<Loose>((resolve) => unknown.once("data", resolve));
  assert.deepEqual(first, { status: 3 });
  opened.stopping.abort();
  assert.deepEqual((await told.next()).value, { status: 2 });
  await assert.rejects(told.next(), { code: status.UNAVAILABLE });
  assert.deepEqual(await health.call("Check", { service: "" }), { status: 2 });
});

for (const version of ["v1", "v1alpha"]) {
  test(`reflection (${version}) tells what is served, with all that is needed to call it`, async () => {
    await using opened = await openGrpc();
    using reflection = grpcJs(opened.port, `grpc.reflection.${version}.ServerReflection`);
    const stream = reflection.open("ServerReflectionInfo");
    stream.write({ listServices: "" });
    stream.write({ fileContainingSymbol: "seglog.v1.LogService.Produce" });
    stream.write({ fileByFilename: "seglog/v1/problem.proto" });
    stream.write({ fileContainingSymbol: "seglog.v1.KvTransactRequest.Isolation" });
    stream.write({ fileContainingSymbol: "no.such.Thing" });
    stream.write({ allExtensionNumbersOfType: "seglog.v1.Problem" });
    stream.write({ fileContainingExtension: { containingType: "x", extensionNumber: 1 } });
    stream.write({});
    stream.end();
    const [list, symbol, file, nested, lost, numbers, extension, nothing] = await all(stream);
    const services = list.listServicesResponse.service.map(({ name }: Loose) => name);
    assert.ok(services.includes("seglog.v1.IngestionService"), services.join());
    assert.ok(services.includes("grpc.health.v1.Health"));
    const filesOf = (answer: Loose) =>
      answer.fileDescriptorResponse.fileDescriptorProto.map((bytes: Uint8Array) =>
        fromBinary(FileDescriptorProtoSchema, bytes).name
      );
    assert.deepEqual(filesOf(symbol).toSorted(), [
      "seglog/v1/log_record.proto",
      "seglog/v1/log_service.proto",
      "seglog/v1/problem.proto",
      "seglog/v1/record.proto",
    ]);
    assert.deepEqual(filesOf(file), ["seglog/v1/problem.proto"]);
    assert.ok(filesOf(nested).includes("seglog/v1/kv_service.proto"));
    assert.equal(lost.errorResponse.errorCode, status.NOT_FOUND);
    assert.deepEqual(numbers.allExtensionNumbersResponse.extensionNumber, []);
    assert.equal(extension.errorResponse.errorCode, status.NOT_FOUND);
    assert.equal(nothing.errorResponse.errorCode, status.INVALID_ARGUMENT);
    assert.equal(symbol.originalRequest.fileContainingSymbol, "seglog.v1.LogService.Produce");
  });
}
