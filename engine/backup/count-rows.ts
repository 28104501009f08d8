/** Counts what goes by: in COPY's text format each row is one line, whatever is in it. */
export interface RowCount {
  add(chunk: Buffer): void;
  readonly rows: number;
  readonly bytes: number;
}

const newline = 0x0a;

export function countRows(): RowCount {
  let rows = 0;
  let bytes = 0;
  return {
    add: (chunk) => {
      bytes += chunk.length;
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) rows += 1;
    },
    get rows() {
      return rows;
    },
    get bytes() {
      return bytes;
    },
  };
}
