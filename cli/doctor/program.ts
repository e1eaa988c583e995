/**
 * Looks at the program itself: what runs it, and what it was told.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";
import { describeSource, type HeldSettings, misspelledVariables } from "../config/held_settings.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** The oldest versions that run all of it, as major and minor. */
const OLDEST = { deno: [2, 9], bun: [1, 4], node: [24, 0] } as const;
/** Files that are open beside connections: segments, indexes, sockets of clients. */
const OTHER_FILES = 1024;

/** What runs the program, and whether it can lock a folder. */
export function checkRuntime(): Finding[] {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  const [name, version] = deno !== undefined
    ? ["deno" as const, deno]
    : bun !== undefined
    ? ["bun" as const, bun]
    : ["node" as const, node!];
  const [major, minor] = OLDEST[name];
  const says = `${name} ${version} on ${process.platform}-${process.arch}`;
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  const isOld = ownMajor < major || (ownMajor === major && ownMinor < minor);
  const findings = [
    isOld
      ? warn(
        "runtime",
        says,
        `seglog is tested from ${name} ${major}.${minor} on: take a newer one`,
      )
      : ok("runtime", says),
  ];
  if (name === "node" && spawnSync("flock", ["--version"]).error !== undefined) {
    findings.push(
      fail("locks", "Node needs the program flock(1)", "install util-linux, or use Deno or Bun"),
    );
  }
  return findings;
}

/** Which settings differ from what holds anyway, and variables that were meant to be some. */
export function checkSettings(
  held: HeldSettings,
  env: Readonly<Record<string, string | undefined>>,
): Finding[] {
  const sources = new Set(
    Object.values(held).filter(({ source }) => source.kind !== "standard")
      .map(({ source }) => source.kind === "file" ? source.path : describeSource(source)),
  );
  const from = sources.size === 0 ? "nothing is set" : `from ${[...sources].join(", ")}`;
  return [
    ok("settings", from),
    ...misspelledVariables(env).map(({ name, meant }) =>
      warn("settings", `the variable ${name} is no setting`, `if ${meant} was meant, rename it`)
    ),
  ];
}

/** Whether files that hold secrets can be read by this program, and not by everybody. */
export function checkSecretFiles(paths: readonly string[]): Finding[] {
  return paths.map((path) => {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      return fail("secrets", `${path} is not there`, "name another, or make it");
    }
    if (textOf(path) === "") {
      return fail("secrets", `${path} cannot be read`, "let this user read it");
    }
    const isForAll = process.platform !== "win32" && (stats.mode & 0o007) !== 0;
    if (!isForAll) return ok("secrets", `${path} can be read by this user`);
    const mode = (stats.mode & 0o777).toString(8);
    return warn("secrets", `${path} can be read by everybody (${mode})`, `chmod 600 ${path}`);
  });
}

/** Whether as many files can be open as connections are allowed, with those of the store. */
export function checkOpenFiles(connectionsMax: number): Finding[] {
  const most = openFilesMax();
  if (most === undefined) return [];
  const needed = connectionsMax + OTHER_FILES;
  if (most >= needed) return [ok("open files", `${most} may be open at once`)];
  return [warn(
    "open files",
    `${most} may be open at once, and ${connectionsMax} connections with a store need ${needed}`,
    `raise it with ulimit -n ${needed}, or lower limits.connections`,
  )];
}

function openFilesMax(): number | undefined {
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(textOf("/proc/self/limits"))?.[1] ??
    spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout?.trim();
  if (limit === "unlimited") return Infinity;
  return /^\d+$/.test(limit ?? "") ? Number(limit) : undefined;
}

function textOf(path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
