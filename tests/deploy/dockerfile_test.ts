/** The image: what it is made of, what runs in it, and as whom. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type Dockerfile,
  DockerfileParser,
  type Instruction,
  type ModifiableInstruction,
} from "dockerfile-ast";
import { parseCommandLine } from "../../cli/command_line.ts";
import { examineConfigFile } from "../../cli/config/config_file.ts";
import { readSourceTree, ROOT } from "../source_tree.ts";

const text = fs.readFileSync(join(ROOT, "Dockerfile"), "utf8");
const file: Dockerfile = DockerfileParser.parse(text);
const instructions = file.getInstructions();

function all(keyword: string): Instruction[] {
  return instructions.filter((instruction) => instruction.getKeyword() === keyword);
}

/** Those of the image that is kept. */
function last(keyword: string): Instruction {
  const start = all("FROM").at(-1)!.getRange().start.line;
  const found = all(keyword).filter((each) => each.getRange().start.line > start);
  assert.equal(found.length, 1, keyword);
  return found[0]!;
}

function flagsOf(instruction: Instruction): string[] {
  return (instruction as ModifiableInstruction).getFlags().map(String);
}

function words(instruction: Instruction): string[] {
  const content = instruction.getArgumentsContent() ?? "";
  const list = content.indexOf("[");
  return list < 0 ? content.split(/\s+/) : JSON.parse(content.slice(list));
}

test("every instruction is one, and images are named with the version that is taken", () => {
  const known = new Set(
    ["FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"]
      .concat(["HEALTHCHECK", "ENTRYPOINT", "CMD"]),
  );
  assert.deepEqual(
    instructions.map((each) => each.getKeyword()).filter((each) => !known.has(each)),
    [],
  );
  const images = file.getFROMs().map((from) => ({
    tag: from.getImageTag(),
    digest: from.getImageDigest(),
  }));
  assert.ok(images.length >= 2, "what builds is not what runs");
  for (const { tag, digest } of images) {
    assert.ok(digest !== null || (tag !== null && tag !== "latest"), `${tag}`);
  }
});

test("it is built with the Deno that everything else is built with", () => {
  const readme = fs.readFileSync(join(ROOT, "README.md"), "utf8");
  const version = /deno@(\d+\.\d+\.\d+)/.exec(readme)![1];
  assert.ok(file.getFROMs()[0]!.getImageTag()!.includes(version!));
});

test("all that the program and its compiler are made of is copied, and nothing else is sent", () => {
  const copied = all("COPY").filter((each) => flagsOf(each).length === 0)
    .flatMap((each) => words(each).slice(0, -1));
  const ignore = fs.readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
  const sent = ignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  assert.deepEqual(new Set(copied), new Set(sent));
  assert.ok(ignore.includes("*"));
  for (const path of sent) assert.ok(fs.existsSync(join(ROOT, path)), path);
  const tops = new Set(
    readSourceTree().map(({ path }) => path.split("/")[0]!).filter((top) => top !== "bench"),
  );
  for (const top of tops) assert.ok(sent.includes(top), top);
});

test("what runs is the executable, not as root, and without a shell", () => {
  assert.match(
    words(last("USER"))[0]!,
    /^[1-9]\d*:[1-9]\d*$/,
    "a number: Kubernetes knows no names",
  );
  assert.deepEqual(words(last("ENTRYPOINT")), ["/usr/local/bin/seglog"]);
  assert.equal(words(last("STOPSIGNAL"))[0], "SIGTERM");
  for (const keyword of ["ENTRYPOINT", "CMD", "HEALTHCHECK"]) {
    assert.ok(
      last(keyword).getArgumentsContent()!.includes("["),
      `${keyword} is no line for a shell`,
    );
  }
  const kept = all("FROM").at(-1)!.getRange().start.line;
  assert.deepEqual(all("RUN").filter((each) => each.getRange().start.line > kept), []);
});

test("its command and its health check are understood by the command line", () => {
  const check = words(last("HEALTHCHECK"));
  const program = words(last("ENTRYPOINT"))[0]!;
  assert.equal(check.shift(), program);
  const presentation = { colors: false, columns: undefined, version: "seglog" };
  for (const args of [words(last("CMD")), check]) {
    assert.equal(parseCommandLine(args, presentation).kind, "run", args.join(" "));
  }
  // What the comment tells to take instead is understood, too.
  assert.ok(text.includes("--at https://localhost:8080 --ca-file FILE"));
  const other = ["--at", "https://localhost:8080", "--ca-file", "FILE", "doctor"];
  assert.equal(parseCommandLine(other, presentation).kind, "run");
});

test("the volume belongs to whom it runs as", () => {
  const [volume] = words(last("VOLUME"));
  const user = words(last("USER"))[0];
  const copy = all("COPY").find((each) => words(each).at(-1) === volume)!;
  assert.ok(flagsOf(copy).includes(`--chown=${user}`));
});

test("what it is told is in a file, so that a file of one's own can say otherwise", () => {
  const path = "/etc/seglog/seglog.yaml";
  assert.equal(last("ENV").getArgumentsContent(), `SEGLOG_CONFIG=${path}`);
  const [own] = words(all("COPY").find((each) => words(each).at(-1) === path)!);
  const { file, problems } = examineConfigFile(join(ROOT, own!));
  assert.deepEqual(problems, []);
  const texts = Object.fromEntries([...file.entries].map(([key, { text }]) => [key, text]));
  const [[volume], [http, grpc]] = [words(last("VOLUME")), words(last("EXPOSE"))];
  assert.deepEqual(texts, {
    data: volume,
    http: `0.0.0.0:${http}`,
    grpc: `0.0.0.0:${grpc}`,
    "log.format": "json",
  });
});
