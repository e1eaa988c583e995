import type { Backend } from "../../mod.ts";

/** Declares a test that gets a fresh, empty backend. */
export type Promised = (what: string, run: (backend: Backend) => Promise<void>) => void;
