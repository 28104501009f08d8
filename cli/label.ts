/** Labels as they are typed: `course=cs101`. */
import { InvalidArgumentError } from 'commander';
import { fieldMessages } from '../api/messages';

/** @throws {InvalidArgumentError} with what a label looks like */
export function readLabel(text: string): Record<string, string> {
  const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.+?)\s*$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('must be name=value, such as course=cs101');
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name) || !/^[A-Za-z0-9._-]{1,64}$/.test(value))
    throw new InvalidArgumentError(fieldMessages.label_invalid.en);
  return { [name]: value };
}
