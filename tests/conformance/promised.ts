import type { Backend } from "../../mod.ts";

/** Declares a test that gets a fresh, empty backend; `skip` says why this kind of backend has none. */
export type Promised = (
  what: string,
  run: (backend: Backend) => Promise<void>,
  skip?: string,
) => void;
