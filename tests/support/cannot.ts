/** What a kind of backend cannot do, and why: the promises that are made of it are skipped by name. */
export interface Cannot {
  readonly compact?: string | undefined;
  /** As its capabilities say it. */
  readonly truncateAfter?: string | undefined;
}
