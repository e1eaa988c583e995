/**
 * Cases without end, made from a seed: a test runs a slice of them, `deno task torture` runs them
 * for as long as it is told.
 */
export interface Campaign {
  /** What it is called on the command line: `crash`, `kill`. */
  readonly name: string;
  /**
   * Runs cases until `isOver()`. A case that fails throws, and the message names the seed that
   * shows it again.
   */
  run(options: CampaignOptions): Promise<CampaignResult>;
}

export interface CampaignOptions {
  /** The first seed; the cases after it come from seeds that follow from it. */
  readonly seed: number;
  /** Asked between cases. */
  isOver(): boolean;
  /** Tells how it goes, one line at a time. */
  note(line: string): void;
}

export interface CampaignResult {
  readonly cases: number;
  /** What the cases were, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}
