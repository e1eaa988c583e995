/** Kinds of damage to the log of `fillLog()`, and what each takes from it. */
import { join } from "node:path";
import type { TrickDisk } from "../support/trick_disk.ts";
import {
  bytesOf,
  cut,
  flip,
  flipHeader,
  flipPayload,
  FOLDER,
  positionOf,
  segmentOf,
  zeroSector,
} from "./damaged_log.ts";

/** One kind. */
export interface DamageCase {
  readonly name: string;
  readonly spoil: (disk: TrickDisk) => void;
  /** What is lost by it, as `3..5`. */
  readonly lost: readonly string[];
  /** Where the log was left as a kill leaves it. */
  readonly isKilled?: boolean;
  /** Where offsets go on; 20 unless given. */
  readonly next?: number;
}

export const CASES: readonly DamageCase[] = [
  { name: "the first batch of the first segment", spoil: (d) => flipPayload(d, 0), lost: ["0..1"] },
  { name: "a batch in the middle", spoil: (d) => flipPayload(d, 5), lost: ["5..6"] },
  { name: "the last batch of a sealed segment", spoil: (d) => flipPayload(d, 7), lost: ["7..8"] },
  { name: "the first batch of a segment", spoil: (d) => flipPayload(d, 8), lost: ["8..9"] },
  { name: "the header of a batch", spoil: (d) => flipHeader(d, 9), lost: ["9..10"] },
  { name: "the header of a first batch", spoil: (d) => flipHeader(d, 4), lost: ["4..5"] },
  { name: "the header of a last batch", spoil: (d) => flipHeader(d, 11), lost: ["11..12"] },
  {
    name: "the magic of a batch",
    spoil: (d) => flip(d, segmentOf(6), positionOf(6)),
    lost: ["6..7"],
  },
  {
    name: "a zeroed sector in the middle",
    spoil: (d) => zeroSector(d, segmentOf(4), 3),
    lost: ["5..7"],
  },
  {
    name: "a zeroed first sector, whose salt is in the index",
    spoil: (d) => zeroSector(d, segmentOf(4), 0),
    lost: ["4..5"],
  },
  {
    name: "a zeroed first sector without an index: the salt comes from the batches",
    spoil(d) {
      zeroSector(d, segmentOf(4), 0);
      d.removeFile(segmentOf(4).replace(".log", ".index"));
    },
    lost: ["4..5"],
  },
  {
    name: "a segment header, whose salt is in the index",
    spoil: (d) => flip(d, segmentOf(8), 13),
    lost: [],
  },
  {
    name: "a segment header without an index",
    spoil(d) {
      flip(d, segmentOf(8), 20);
      d.removeFile(segmentOf(8).replace(".log", ".index"));
    },
    lost: [],
  },
  {
    name: "a segment header and a batch",
    spoil(d) {
      flip(d, segmentOf(8), 13);
      flipPayload(d, 10);
    },
    lost: ["10..11"],
  },
  {
    name: "several places in one segment and in others",
    spoil(d) {
      for (const offset of [1, 3, 8, 9, 10, 17]) flipPayload(d, offset);
    },
    lost: ["1..2", "3..4", "8..11", "17..18"],
  },
  {
    name: "every batch of a segment",
    spoil: (d) => [4, 5, 6, 7].forEach((offset) => flipHeader(d, offset)),
    lost: ["4..8"],
  },
  { name: "a missing first segment", spoil: (d) => d.removeFile(segmentOf(0)), lost: ["0..4"] },
  { name: "a missing segment", spoil: (d) => d.removeFile(segmentOf(8)), lost: ["8..12"] },
  {
    name: "a missing last sealed segment",
    spoil: (d) => d.removeFile(segmentOf(12)),
    lost: ["12..16"],
  },
  { name: "an empty segment file", spoil: (d) => cut(d, segmentOf(8), 0), lost: ["8..12"] },
  {
    name: "a segment that is cut in a batch",
    spoil: (d) => cut(d, segmentOf(8), positionOf(10) + 100),
    lost: ["10..12"],
  },
  {
    name: "a segment that is cut between two batches",
    spoil: (d) => cut(d, segmentOf(8), positionOf(10)),
    lost: ["10..12"],
  },
  {
    name: "two segments that changed places",
    spoil(d) {
      d.rename(segmentOf(4), join(FOLDER, "other"));
      d.rename(segmentOf(8), segmentOf(4));
      d.rename(join(FOLDER, "other"), segmentOf(8));
    },
    lost: ["4..12"],
  },
  {
    name: "the first batch of the active segment",
    spoil: (d) => flipPayload(d, 16),
    lost: ["16..17"],
  },
  { name: "a batch of the active segment", spoil: (d) => flipPayload(d, 18), lost: ["18..19"] },
  {
    name: "the last batch of a log that was closed well",
    spoil: (d) => flipPayload(d, 19),
    lost: ["19..20"],
  },
  {
    name: "the end of a log that was closed well, cut off",
    spoil: (d) => cut(d, segmentOf(18), positionOf(18)),
    lost: ["18..20"],
  },
  {
    name: "a missing active segment of a log that was closed well",
    spoil: (d) => d.removeFile(segmentOf(16)),
    lost: ["16..20"],
  },
  {
    name: "the header of an active segment that was closed well",
    spoil: (d) => flip(d, segmentOf(16), 13),
    lost: [],
  },
  {
    name: "all of the active segment",
    spoil: (d) =>
      [0, 1, 2, 3, 4, 5, 6, 7].forEach((sector) => {
        if (sector * 512 < bytesOf(d, segmentOf(16)).length) zeroSector(d, segmentOf(16), sector);
      }),
    lost: ["16..20"],
  },
  {
    name: "a batch of the active segment after a kill",
    spoil: (d) => flipPayload(d, 17),
    lost: ["17..18"],
    isKilled: true,
  },
  {
    name: "the first batch of the active segment after a kill",
    spoil: (d) => flipHeader(d, 16),
    lost: ["16..17"],
    isKilled: true,
  },
  {
    name: "a batch, with a torn one behind all others",
    spoil(d) {
      flipPayload(d, 17);
      cut(d, segmentOf(19), positionOf(19) + 200);
    },
    lost: ["17..18"],
    isKilled: true,
    next: 19,
  },
  {
    name: "the header of the active segment after a kill: there is no index",
    spoil: (d) => flip(d, segmentOf(16), 13),
    lost: [],
    isKilled: true,
  },
  {
    name: "the first sector of the active segment after a kill",
    spoil: (d) => zeroSector(d, segmentOf(16), 0),
    lost: ["16..17"],
    isKilled: true,
  },
];
