/**
 * What a workload is: something that is measured, once for every system that can do it.
 *
 * @module
 */

/** How much is measured: a few minutes of it all, or as much as the results are quoted with. */
export type Size = "short" | "full";

/** What one case of a workload is measured with. */
export type Params = Readonly<Record<string, number | string>>;

/** One number that a workload measures. */
export interface Figure {
  readonly key: string;
  /** What it says in a table, with its unit. */
  readonly label: string;
  /** Which of two is better. */
  readonly better: "more" | "less";
  /** Whether seglog is compared with the others by it. */
  readonly isCompared?: boolean;
  /** What it tells of, where a run measures one thing after the other: each has a table of its own. */
  readonly part?: string;
}

/** The figures of one run, by their keys. */
export type Figures = Readonly<Record<string, number>>;

/** A workload at one setting. */
export interface Case {
  readonly name: string;
  readonly params: Params;
  /** The systems that take part, when not all of the workload's do. */
  readonly systems?: readonly string[];
}

/** One run: a system, in a folder of its own. */
export interface Job {
  readonly system: string;
  readonly params: Params;
  /** An empty folder, removed afterwards. */
  readonly folder: string;
}

/** Something that is measured. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** The first is the one that charts show. */
  readonly figures: readonly Figure[];
  /** The systems that can do it, seglog first. */
  readonly systems: readonly string[];
  readonly cases: (size: Size) => readonly Case[];
  /** Whether its cases are steps of the same, to be compared with the first. */
  readonly isGrowth?: boolean;
  /** Whether `run` itself starts what is measured, so that it is called for all systems alike. */
  readonly startsPrograms?: boolean;
  /** Measures one system, in the process that calls it. */
  readonly run: (job: Job) => Promise<Figures>;
}

/** The number that a job has by this name. */
export function numberOf(params: Params, name: string): number {
  const value = params[name];
  if (typeof value === "number") return value;
  throw new TypeError(`The parameter ${name} is missing`);
}

/** The text that a job has by this name. */
export function textOf(params: Params, name: string): string {
  const value = params[name];
  if (typeof value === "string") return value;
  throw new TypeError(`The parameter ${name} is missing`);
}
