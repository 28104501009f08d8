/** What differs between an exchange straight with the guest and the same one through the proxy. */
import { createHash } from 'node:crypto';
import type { Case, Way } from './case';
import type { Answer } from './send';
import type { Message } from './wire';

export interface Exchange {
  /** What the guest was asked; null when nothing arrived there. */
  readonly asked: Message | null;
  readonly answer: Answer;
}

export interface Difference {
  readonly case: Case;
  readonly way: Way;
  readonly side: 'guest' | 'visitor';
  /** e.g. `header x-real-ip`, `body`, `target`. */
  readonly what: string;
  readonly straight: string;
  readonly through: string;
}

type Facts = Record<string, string>;

export function differences(one: Case, way: Way, straight: Exchange, through: Exchange): Difference[] {
  const compared = (side: Difference['side'], before: Facts, after: Facts): Difference[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((what) => before[what] !== after[what])
      .map((what) => ({
        case: one,
        way,
        side,
        what,
        straight: before[what] ?? '',
        through: after[what] ?? '',
      }));
  // who was not asked did not answer
  if (straight.asked !== null && through.asked === null)
    return [{ case: one, way, side: 'guest', what: 'asked', straight: 'yes', through: through.answer.first }];
  return [
    ...compared('guest', factsOfRequest(straight.asked), factsOfRequest(through.asked)),
    ...compared('visitor', factsOfAnswer(straight.answer, way), factsOfAnswer(through.answer, way)),
  ];
}

function factsOfRequest(asked: Message | null): Facts {
  if (asked === null) return { asked: 'no' };
  const [method = '', target = '', version = ''] = asked.first.split(' ');
  return { method, target, version, ...factsOf(asked) };
}

function factsOfAnswer(answer: Answer, { protocol }: Way): Facts {
  const [, status = '', ...reason] = answer.first.split(' ');
  const { framing, ...facts } = factsOf(answer);
  return {
    status,
    ...facts,
    interim: answer.interim.join(' '),
    echoed: answer.echoed,
    // HTTP/2 has neither
    ...(protocol === 'HTTP/2' ? {} : { reason: reason.join(' '), framing: framing ?? '' }),
  };
}

/** They speak of one connection, and there are two. What they say of the body is in `framing`. */
const ofTheConnection = ['connection', 'transfer-encoding', 'x-case'];

function factsOf({ headers, framing, body, trailers, inParts }: Message): Facts {
  const facts: Facts = { framing, body: digest(body), trailers: JSON.stringify(trailers) };
  // a long body takes its time in any case
  if (body.length < 100) facts['in parts'] = inParts ? 'yes' : 'no';
  for (const [name, value] of headers) {
    if (ofTheConnection.includes(name)) continue;
    const what = `header ${name}`;
    facts[what] = what in facts ? `${facts[what] ?? ''}\n${value}` : value;
  }
  return facts;
}

function digest(body: Buffer): string {
  return body.length < 100
    ? body.toString('latin1')
    : `${body.length} bytes, ${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;
}
