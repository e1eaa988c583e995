/**
 * Why a log has offsets without records.
 *
 * @module
 */

/** Why offsets hold no records: somebody removed them, or a repair gave them up. */
export type GapReason = "removed" | "lost";
