/** Records of every kind, small, to start mutations from. */
import type { RecordInput } from "../../mod.ts";

const TIME_MS = Date.UTC(2026, 10, 20, 12);

export const SAMPLES: readonly RecordInput[] = [
  { key: "u1", value: "hello", timestamp: TIME_MS },
  { value: "", timestamp: TIME_MS + 1 },
  { key: "", value: null, timestamp: TIME_MS + 2 },
  {
    key: "🛒",
    value: '{"id":9223372036854775807,"sum":1.10}',
    type: "json",
    headers: { trace: "a1", empty: "", "ключ": "значение 😀" },
    timestamp: TIME_MS - 60_000,
  },
  { key: Uint8Array.of(0xff, 0, 0xfe), value: Uint8Array.of(0, 1, 2, 0, 255), timestamp: 0 },
  { value: "the same again and again; ".repeat(8), timestamp: TIME_MS },
];
