/** Colours, where somebody looks: off when the output is no terminal, with NO_COLOR, and with TERM=dumb. */
const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

const coloured = process.stdout.isTTY && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb';

export function paint(colour: keyof typeof codes, text: string): string {
  return coloured ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}
