/** Figures from samples. Pure. */

/** @param part  0.5 is the median; between two samples it is interpolated. NaN of nothing */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (sorted.length - 1) * part;
  const [below = NaN, above = below] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** As people read it: three digits that say something, and no more. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Number.isInteger(value)) return grouped(String(value));
  const size = Math.abs(value);
  return grouped(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2));
}

function grouped(text: string): string {
  return text.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

export function ordinal(value: number): string {
  return `${shown(value)}th`;
}
