/** Texts for refused values whose schema names none itself. */
import type { z } from 'zod';
import type { Language, Text } from './language';

const text = (en: string, ko: string): Text => ({ en, ko });

const kinds: Readonly<Record<string, Text>> = {
  string: text('must be a string', '문자열이어야 합니다.'),
  number: text('must be a number', '숫자여야 합니다.'),
  int: text('must be an integer', '정수여야 합니다.'),
  boolean: text('must be true or false', 'true 또는 false여야 합니다.'),
  array: text('must be a list', '목록이어야 합니다.'),
  object: text('must be an object', '객체여야 합니다.'),
  record: text('must be an object', '객체여야 합니다.'),
};
const anything = text('is not an accepted value', '사용할 수 없는 값입니다.');
const form = text('does not have the expected format', '형식이 올바르지 않습니다.');

/** The bound of a number, of the length of a text, of the entries of a list. */
const bounds = {
  most: {
    number: (n: string) => text(`must be at most ${n}`, `${n} 이하여야 합니다.`),
    string: (n: string) => text(`must be at most ${n} characters`, `${n}자를 넘을 수 없습니다.`),
    array: (n: string) => text(`must have at most ${n} entries`, `${n}개를 넘을 수 없습니다.`),
  },
  least: {
    number: (n: string) => text(`must be at least ${n}`, `${n} 이상이어야 합니다.`),
    string: (n: string) => text(`must be at least ${n} characters`, `${n}자 이상이어야 합니다.`),
    array: (n: string) => text(`must have at least ${n} entries`, `${n}개 이상이어야 합니다.`),
  },
} as const;

export function refusalWords(issue: z.core.$ZodRawIssue, language: Language): string {
  return wordsOf(issue)[language];
}

function wordsOf(issue: z.core.$ZodRawIssue): Text {
  switch (issue.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? anything;
    case 'too_big':
      return boundOf('most', issue.origin, issue.maximum);
    case 'too_small':
      return boundOf('least', issue.origin, issue.minimum);
    case 'invalid_value': {
      const values = issue.values.map(String).join(', ');
      return text(`must be one of ${values}`, `다음 중 하나여야 합니다: ${values}`);
    }
    case 'invalid_format':
      return form;
    default:
      return anything;
  }
}

function boundOf(which: keyof typeof bounds, origin: string, bound: number | bigint): Text {
  const kind = origin === 'string' || origin === 'array' ? origin : 'number';
  return bounds[which][kind](String(bound));
}
