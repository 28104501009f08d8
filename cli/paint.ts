/** Colours, where somebody looks. */
const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

export type Colour = keyof typeof codes;

/** Off when the output is no terminal, with NO_COLOR (https://no-color.org: set, and not empty), and with TERM=dumb. */
export function isColoured(
  { isTTY }: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

export function paint(colour: Colour, text: string): string {
  return isColoured(process.stdout, process.env) ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}
