/**
 * Notes in a copy that it has everything that its source has: whoever starts from it while the source
 * is away relies on that.
 *
 * @module
 */
import { messageOf } from "../core/base/errors.ts";
import type { Store } from "../core/store/store.ts";

/** The note in one copy. */
export class WholeNote {
  readonly #local: Pick<Store, "follows" | "mirrorTarget">;
  readonly #notice: (notice: string, level: "warn") => void;
  /** Why it could not be made, as it was told. */
  #told: string | undefined;

  /** @param notice is told what is in the way, once */
  constructor(
    local: Pick<Store, "follows" | "mirrorTarget">,
    notice: (notice: string, level: "warn") => void,
  ) {
    this.#local = local;
    this.#notice = notice;
  }

  /** Whether there is nothing to be noted: a store that follows nobody has no note. */
  get isThere(): boolean {
    const { follows } = this.#local;
    return follows === undefined || follows.wasWhole === true;
  }

  /** Makes it, durably. Where that fails, the copy is as good as before: it is to be tried again. */
  async make(): Promise<void> {
    try {
      await this.#local.mirrorTarget!.noteWhole();
      this.#told = undefined;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#told) {
        this.#notice(`cannot note that the copy has everything: ${message}; trying again`, "warn");
      }
      this.#told = message;
    }
  }
}
