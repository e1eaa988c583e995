/**
 * From a backend to one whose records are checked, and the schemas that they are checked against.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { SchemaBackend } from "./schema_backend.ts";
import { type RegistryOptions, SchemaRegistry } from "./schema_registry.ts";

/** Schemas, and what they are in force for. */
export interface Schemas {
  readonly registry: SchemaRegistry;
  /** Checks what is appended. Closing it closes nothing: it is a view. */
  readonly backend: Backend;
}

/** The schemas that are kept in a backend; they are read when they are first needed. */
export function createSchemas(backend: Backend, options: RegistryOptions): Schemas {
  const registry = new SchemaRegistry(backend, options);
  return { registry, backend: new SchemaBackend(backend, registry) };
}
