/**
 * Numbers as people read them: three digits that count.
 *
 * @module
 */
const SCALES = [[1e9, " G"], [1e6, " M"], [1e3, " k"]] as const;

/** `1.53 M`, `284 k`, `0.173`. */
export function formatNumber(value: number): string {
  for (const [scale, name] of SCALES) {
    if (Math.abs(value) >= scale * 0.9995) return `${threeDigits(value / scale)}${name}`;
  }
  return threeDigits(value);
}

/** `3.2x`, `0.85x`, `120x`. */
export function formatRatio(ratio: number): string {
  return `${ratio >= 100 ? Math.round(ratio) : Number(ratio.toPrecision(2))}x`;
}

function threeDigits(value: number): string {
  if (value === 0) return "0";
  return Number(value.toPrecision(3)).toString();
}
