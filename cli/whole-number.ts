import { InvalidArgumentError } from 'commander';

/** Reads an argument that is a whole number from 1 to `most`. */
export function wholeNumber(most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (Number.isSafeInteger(number) && number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`must be a whole number from 1 to ${most}`);
  };
}
